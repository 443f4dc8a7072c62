import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

type Ack = (leaves: unknown) => void

function overHttp(bench: Bench, id: string, body: object, kind: 'ops' | 'code' = 'ops') {
  return bench.request(`/api/v1/drones/${id}/terminate`, kind, { method: 'POST', body: JSON.stringify(body) })
}

onEveryStore('A termination', (bench) => {
  it('[RC13] is answered with what the drone says, over the socket and over HTTP, and is written down', async () => {
    await bench().start()
    const [drone, ops] = [await bench().drone(), await bench().ops()]
    const { registrationId } = drone.welcomed
    let says: unknown = false
    drone.socket.on('requestTermination', (_request: object, ack: Ack) => ack(says))
    const request = { registrationId, mode: 'drain', reason: 'update' }
    expect(await ops.ask('requestTermination', request)).to.deep.equal({ ok: true, success: false })
    expect(drone.all('requestTermination')[0]?.[0]).to.deep.equal({ mode: 'drain', reason: 'update' })
    says = 'certainly'
    expect(await ops.ask('requestTermination', request)).to.deep.equal({ ok: true, success: false })
    says = true
    const answer = await overHttp(bench(), registrationId, { reason: 'update' })
    expect([answer.status, await answer.json()]).to.deep.equal([200, { success: true }])
    expect(drone.all('requestTermination')[2]?.[0]).to.deep.equal({ mode: 'now', reason: 'update' })
    const { items } = await bench().relay.store.listAudit({ limit: 10 })
    expect(items.map(({ action, subject, by }) => [action, subject, by])).to.deep.equal([
      ['terminate:now', registrationId, 'ann'],
      ['terminate:drain', registrationId, 'ann'],
      ['terminate:drain', registrationId, 'ann'],
    ])
  })

  it('[RC13] that was agreed to keeps new work away, and the turn under way goes on', async () => {
    await bench().start()
    const [drone, viewer, ops] = [
      await bench().drone({ capacity: 2 }),
      await bench().viewer(),
      await bench().ops(),
    ]
    drone.socket.on('requestTermination', (_request: object, ack: Ack) => ack(true))
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    const { registrationId } = drone.welcomed
    await ops.ask('requestTermination', { registrationId, mode: 'drain', reason: 'update' })
    expect((await viewer.send('More.')).status).to.equal('queued')
    await voice.response('whole').complete()
    await viewer.ended(turnId)
    await drone.handled()
    expect(drone.orders).to.have.lengthOf(1)
  })

  it('[RC14] that a drone never answers ends in a timeout, and of one that leaves meanwhile at once', async () => {
    await bench().start({ terminationMs: '150' })
    const [drone, ops] = [await bench().drone(), await bench().ops()]
    const { registrationId } = drone.welcomed
    const silent = await ops.ask('requestTermination', { registrationId, reason: 'x' })
    expect(silent.error).to.include({ code: 'timeout', retryable: true })
    expect((await overHttp(bench(), registrationId, { reason: 'x' })).status).to.equal(504)
    await drone.handled()
    drone.socket.on('requestTermination', () => drone.close())
    const left = await ops.ask('requestTermination', { registrationId, reason: 'x' })
    expect(left.error?.code).to.equal('drone_offline')
  })

  it('[RC14] of a drone that is not connected, or that nobody knows, says so', async () => {
    await bench().start()
    const [drone, ops] = [await bench().drone(), await bench().ops()]
    const { registrationId } = drone.welcomed
    drone.close()
    await ops.event(
      'fleet:changed',
      ({ drones }: { drones: { state: string }[] }) => drones[0]?.state === 'away',
    )
    const away = await ops.ask('requestTermination', { registrationId, reason: 'x' })
    expect(away.error?.code).to.equal('drone_offline')
    const unknown = await ops.ask('requestTermination', { registrationId: 'nobody', reason: 'x' })
    expect(unknown.error?.code).to.equal('not_found')
    const http = await overHttp(bench(), registrationId, { reason: 'x' })
    expect([http.status, ((await http.json()) as { code: string }).code]).to.deep.equal([
      409,
      'drone_offline',
    ])
    expect((await overHttp(bench(), 'nobody', { reason: 'x' })).status).to.equal(404)
    expect((await overHttp(bench(), registrationId, {})).status).to.equal(400)
    expect((await overHttp(bench(), registrationId, { reason: 'x' }, 'code')).status).to.equal(403)
  })
})
