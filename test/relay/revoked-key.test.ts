import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('A key that is revoked', (bench) => {
  it('[SE8] cuts every live socket that came in with it, and no other', async () => {
    const { relay, keys } = await bench().start()
    const { keyId, key } = await relay.access.create('drone', 'ann')
    const code = await relay.access.create('code', 'ann')
    const [cut, kept] = [await bench().drone({ name: 'cut' }, key), await bench().drone({ name: 'kept' })]
    const [watcher, cutViewer] = [await bench().viewer(), await bench().viewer({}, code.key)]
    for (const id of [keyId, code.keyId]) {
      const answer = await bench().request(`/api/v1/keys/${id}`, 'ops', { method: 'DELETE' })
      expect(answer.status).to.equal(204)
    }
    await cut.until('the cut', () => cut.disconnectedFor)
    await cutViewer.until('the cut', () => cutViewer.disconnectedFor)
    await kept.handled()
    expect([kept.disconnectedFor, watcher.disconnectedFor]).to.deep.equal([undefined, undefined])
    const again = bench().socket('/code', { token: code.key })
    expect(await again.until('a refusal', () => again.refusal)).to.include({ code: 'unauthorized' })
    const listed = await bench().request('/api/v1/drones', { key: code.key })
    expect(listed.status).to.equal(401)
    expect(keys.code).to.not.equal(code.key)
  })

  it('[SE8] leaves the turn of its drone to wait for it, like any that is cut off', async () => {
    const { relay } = await bench().start()
    const { keyId, key } = await relay.access.create('drone', 'ann')
    const [drone, viewer] = [await bench().drone({}, key), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order()).response('half')
    await drone.checkpoint(4)
    await bench().request(`/api/v1/keys/${keyId}`, 'ops', { method: 'DELETE' })
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'away')
    const back = await bench().drone()
    await back.voice(voice.place).from(4).response(' and whole').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('half and whole')
  })
})
