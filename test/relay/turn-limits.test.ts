import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('A turn that would never end', (bench) => {
  async function atWork(options: Parameters<ReturnType<typeof bench>['start']>[0]) {
    await bench().start(options)
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const sent = await viewer.send()
    return { drone, viewer, voice: drone.voice(await drone.order()), ...sent }
  }

  it('[LC13] fails when its drone says nothing any more, though it lives, and the drone is told', async () => {
    const { drone, viewer, voice, turnId } = await atWork({ idleMs: '200' })
    voice.response('and then')
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'failed' })
    expect(end.reason).to.match(/IDLE_MS/)
    expect((await drone.event('abortWorkOrder'))[0]).to.deep.equal({ turnId, attempt: 1 })
    voice.response('too late')
    await drone.error('fenced')
    expect((await bench().turn(turnId)).errorMessage).to.match(/^Limit/)
  })

  it('[LC13] fails when it takes too long, however much is said', async () => {
    const { viewer, voice, turnId } = await atWork({ wallMs: '300' })
    while (viewer.statuses(turnId).every(({ heads }) => !heads)) {
      voice.response('more and ')
      await viewer.ask('session:list', {})
    }
    expect((await viewer.ended(turnId)).reason).to.match(/WALL_MS/)
    expect(viewer.faults).to.deep.equal([])
  })

  it('[LC13] fails when it has more bytes or blocks than a turn may have', async () => {
    const { drone, viewer, voice, turnId } = await atWork({ turnBytes: '10000', turnBlocks: '5' })
    voice.response('x'.repeat(10_001))
    expect((await viewer.ended(turnId)).reason).to.match(/TURN_BYTES/)
    const next = await viewer.send('again')
    const other = drone.voice(await drone.order(2))
    for (let n = 0; n < 3; n++) other.thinking('a').response('b')
    expect(
      (await viewer.until('its end', () => viewer.statuses(next.turnId).find(({ heads }) => heads))).reason,
    ).to.match(/TURN_BLOCKS/)
  })

  it('[LC13] fails also at a plain drone that never says a word', async () => {
    await bench().start({ idleMs: '200' })
    const [drone, viewer] = [await bench().plain(), await bench().viewer()]
    drone.acknowledges = false
    const { turnId } = await viewer.send()
    await drone.order()
    expect((await viewer.ended(turnId)).reason).to.match(/IDLE_MS/)
    await drone.event('abortWorkOrder')
  })

  it('[LC13] goes on while its drone speaks (control)', async () => {
    const { viewer, voice, turnId } = await atWork({ idleMs: '60000', wallMs: '60000' })
    voice.response('x'.repeat(10_001))
    expect(await voice.complete()).to.include({ ok: true, status: 'finished' })
    expect((await viewer.ended(turnId)).reason).to.equal(undefined)
  })
})
