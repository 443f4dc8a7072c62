import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import { holdCommits } from '../support/gated-store.ts'

async function atWork(bench: Bench, options = {}) {
  await bench.start(options)
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const sent = await viewer.send()
  const voice = drone.voice(await drone.order()).response('half ')
  await drone.checkpoint(5)
  return { drone, viewer, ...sent, voice }
}

onEveryStore('A drone whose connection drops', (bench) => {
  it('[RC8] and that comes back in time goes on, and no viewer notices more than its absence', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    drone.close()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'away')
    const back = await bench().drone()
    expect(back.welcomed.turns).to.deep.equal([
      { turnId, attempt: 1, acknowledged: true, lanes: [{ lane: '', offset: 5 }] },
    ])
    await back.voice(voice.place).from(0).response('half a word').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('half a word')
    expect(viewer.statuses(turnId).map(({ status }) => status)).to.deep.equal(['queued', 'finished'])
    expect(viewer.all('turn:started')).to.have.lengthOf(1)
    expect(viewer.faults).to.deep.equal([])
  })

  it('[RC9] and that does not come back fails its turn, when nobody else could take it', async () => {
    const { drone, viewer, turnId } = await atWork(bench(), { graceMs: '100' })
    await bench().drone({ name: 'elsewhere', workspaceId: 'w2' })
    drone.close()
    const end = await viewer.ended(turnId)
    expect(end.status).to.equal('failed')
    expect(end.reason).to.match(/did not come back/)
    expect(end.heads).to.deep.equal([{ lane: '', offset: 5 }])
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'gone')
    expect(viewer.text(turnId)).to.equal('half ')
    const back = await bench().drone()
    expect(back.welcomed.turns).to.deep.equal([])
  })

  it('[RC28] and that comes back between its loss and the storing of it is told once it is stored', async () => {
    const { drone, viewer, turnId } = await atWork(bench(), { graceMs: '100' })
    const open = holdCommits(bench().relay.store)
    drone.close()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'gone')
    const back = await bench().drone()
    expect(back.welcomed.turns.map((turn) => turn.turnId)).to.deep.equal([turnId])
    await back.handled()
    expect(back.all('abortWorkOrder')).to.deep.equal([])
    open()
    expect((await back.event('abortWorkOrder'))[0]).to.deep.equal({ turnId, attempt: 1 })
    expect((await viewer.ended(turnId)).status).to.equal('failed')
  })

  it('[RC9] and that does not come back loses its turn to another drone of the workspace', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench(), { graceMs: '100' })
    const other = await bench().drone({ name: 'other' })
    drone.close()
    const order = await other.order()
    expect(order).to.include({ turnId, attempt: 2 })
    const back = await bench().drone()
    expect(back.welcomed.turns).to.deep.equal([])
    back.voice(voice.place).from(5).response('late')
    await back.error('fenced')
    await other.voice(order).response('another try').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('another try')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[RC10] or that forgets its turn in two heartbeats has lost it, and in one has not', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    await drone.ask('heartbeat', { turns: [], load: 0.5 })
    await drone.ask('heartbeat', { turns: [turnId] })
    const answer = await drone.ask('heartbeat', { turns: [] })
    expect(answer.ok).to.equal(true)
    expect(Date.parse(String(answer['serverTime']))).to.be.closeTo(Date.now(), 5000)
    voice.response('still mine')
    await drone.checkpoint(15)
    expect(viewer.statuses(turnId).map(({ status }) => status)).to.deep.equal(['queued'])
    await drone.ask('heartbeat', { turns: [] })
    expect((await viewer.status(turnId, 'recovering')).reason).to.match(/does not know/)
    expect(await drone.attempt(2)).to.include({ turnId })
  })

  it('[RC10] is not asked about an order that it has not acknowledged', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    drone.acknowledges = false
    const { turnId } = await viewer.send()
    const order = await drone.order()
    for (let beat = 0; beat < 4; beat++) await drone.ask('heartbeat', { turns: [] })
    drone.acks[0]?.({ ok: true })
    await drone.voice(order).complete()
    await viewer.ended(turnId)
    expect(viewer.statuses(turnId).map(({ status }) => status)).to.deep.equal(['queued', 'finished'])
  })
})
