import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const sent = await viewer.send()
  const voice = drone.voice(await drone.order()).response('half\ud83d')
  await viewer.untilText(sent.turnId, 'half')
  return { drone, viewer, ...sent, voice }
}

onEveryStore('An abort', (bench) => {
  it('[RC11] ends a live turn at the length that the relay holds, and the drone is told', async () => {
    const { drone, viewer, turnId, chatSessionId, voice } = await atWork(bench())
    expect(await viewer.ask('abort', { chatSessionId })).to.include({ ok: true, turnId, status: 'aborted' })
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'aborted' })
    expect(end.heads).to.deep.equal([{ lane: '', offset: 5 }])
    expect((await drone.event('abortWorkOrder'))[0]).to.deep.equal({ turnId, attempt: 1 })
    voice.response('late')
    await drone.error('fenced')
    expect(await voice.complete()).to.include({ ok: true, status: 'aborted' })
    expect(viewer.text(turnId)).to.equal('half\ufffd')
    expect(viewer.faults).to.deep.equal([])
    await viewer.send('Next.', { chatSessionId })
    expect((await drone.order(2)).prompt).to.equal('Next.')
  })

  it('[RC11] ends a turn whose drone is away, which finds it gone when it is back', async () => {
    const { drone, viewer, turnId, chatSessionId } = await atWork(bench())
    drone.close()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'away')
    expect(await viewer.ask('abort', { chatSessionId, turnId })).to.include({ status: 'aborted' })
    const back = await bench().drone()
    expect(back.welcomed.turns).to.deep.equal([])
  })

  it('[RC11] ends a turn that waits, and no drone ever hears of it', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const { turnId, chatSessionId } = await viewer.send()
    expect(await viewer.ask('abort', { chatSessionId })).to.include({ turnId, status: 'aborted' })
    const drone = await bench().drone()
    await drone.handled()
    expect(drone.orders).to.deep.equal([])
  })

  it('[RC11] of a turn that has ended answers how it ended; of none, that there is none', async () => {
    const { drone, viewer, turnId, chatSessionId, voice } = await atWork(bench())
    await voice.complete()
    expect(await viewer.ask('abort', { chatSessionId, turnId })).to.include({ ok: true, status: 'finished' })
    await viewer.ended(turnId)
    expect((await viewer.ask('abort', { chatSessionId })).error?.code).to.equal('not_found')
    const other = await viewer.send('Elsewhere.')
    const crossed = await viewer.ask('abort', { chatSessionId, turnId: other.turnId })
    expect(crossed.error?.code).to.equal('not_found')
    expect(await drone.voice(await drone.order(2)).complete()).to.include({ status: 'finished' })
  })

  it('[RC12] or an end, which of them is first wins, and everybody is told the same one end', async () => {
    const { drone, viewer, turnId, chatSessionId, voice } = await atWork(bench())
    const [aborted, completed] = await Promise.all([
      viewer.ask('abort', { chatSessionId, turnId }),
      voice.complete(),
    ])
    const end = await viewer.ended(turnId)
    expect([aborted['status'], completed['status']]).to.deep.equal([end.status, end.status])
    expect((await bench().turn(turnId)).status).to.equal(end.status)
    await drone.handled()
    expect(viewer.statuses(turnId).filter(({ heads }) => heads)).to.have.lengthOf(1)
  })
})
