import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

function versionsHeard(viewer: RawViewer): number[] {
  const told = viewer.heard.filter(({ name }) => /^(turn:|session:info)/.test(name))
  return told.map(({ args }) => (args[0] as { version: number }).version)
}

onEveryStore('News of a session', (bench) => {
  it('[VW15] is counted without a hole, for one who sent and for one who joined', async () => {
    await bench().start()
    const [drone, sender, viewer] = [await bench().drone(), await bench().viewer(), await bench().viewer()]
    const { chatSessionId } = await sender.send()
    const { version } = await viewer.join(chatSessionId)
    for (let number = 1; number <= 4; number++) {
      const order = await drone.order(number)
      drone.emit('agentSession', { chatSessionId, agentSessionId: `s${number}` })
      await drone.voice(order).response('x').complete()
      await Promise.all([sender.ended(order.turnId), viewer.ended(order.turnId)])
      if (number < 4) await sender.send('Next.', { chatSessionId })
    }
    for (const [peer, before] of [
      [sender, 1],
      [viewer, version],
    ] as const) {
      const versions = versionsHeard(peer)
      const last = versions.at(-1) ?? 0
      const missing = Array.from({ length: last - before }, (_, step) => before + step + 1).filter(
        (step) => !versions.includes(step),
      )
      expect(missing).to.deep.equal([])
      expect(peer.faults).to.deep.equal([])
    }
    expect((await drone.order(4)).agentSessionId).to.equal('s3')
  })

  it('[VW15] announces every attempt before its first entry, and tells an end once, with the final heads', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    drone.voice(await drone.order()).response('first')
    await drone.checkpoint(5)
    const again = await bench().drone({ instanceId: 'i2' })
    const voice = again
      .voice(await again.attempt(2))
      .response('second')
      .response('aside', 'a1')
    await voice.complete()
    const end = await viewer.ended(turnId)
    expect(end.heads).to.have.deep.members([
      { lane: '', offset: 6 },
      { lane: 'a1', offset: 5 },
    ])
    expect(viewer.faults).to.deep.equal([])
    expect(viewer.all('turn:started').map(([news]) => (news as { attempt: number }).attempt)).to.deep.equal([
      1, 2,
    ])
    const started = viewer.all('turn:started')[1]?.[0] as {
      prompt: string
      startedAt: string
      droneId: string
    }
    expect(started).to.include({ prompt: 'Do it.', droneId: again.welcomed.droneId })
    expect(Date.parse(started.startedAt)).to.be.closeTo(Date.now(), 60_000)
  })

  it('[VW16] comes with heads while a turn is live: how far every lane is, and the version', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await viewer.send()
    drone
      .voice(await drone.order())
      .response('hello')
      .response('aside', 'a1')
    await viewer.untilText(turnId, 'hello')
    const [head] = await viewer.event('head')
    expect(head).to.deep.include({ chatSessionId, turnId, attempt: 1, status: 'processing' })
    expect((head as { lanes: object[] }).lanes).to.have.deep.members([
      { lane: '', offset: 5 },
      { lane: 'a1', offset: 5 },
    ])
    expect((head as { version: number }).version).to.equal(viewer.versions.get(chatSessionId))
    expect(viewer.faults).to.deep.equal([])
  })

  it('[VW17] that is live only is heard by those who watch, at its place in the arguments', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const { turnId, chatSessionId } = await viewer.send()
    await drone.order()
    await viewer.event('turn:started')
    drone.emit('status', 'digging')
    drone.emit('log', '2026-01-01T00:00:00Z', 'agent', 'info', 'a line')
    drone.emit('log', null, null, null, 'bare', { deep: [1] })
    drone.emit('workspaceModeChanged', 'plan')
    drone.emit('usage', { turnId, attempt: 1, input: 3, output: 4, cost: 0.5 })
    const heard = { chatSessionId, droneId: 'd1' }
    const [usage] = await viewer.event('usage')
    expect(usage).to.deep.equal({ turnId, attempt: 1, input: 3, output: 4, cost: 0.5, chatSessionId })
    expect(viewer.all('status')).to.deep.equal([['digging', heard]])
    expect(viewer.all('workspaceModeChanged')).to.deep.equal([['plan', heard]])
    expect(viewer.all('log')).to.deep.equal([
      ['2026-01-01T00:00:00Z', 'agent', 'info', 'a line', null, heard],
      [null, null, null, 'bare', { deep: [1] }, heard],
    ])
    await drone.handled()
    await drone.voice({ turnId, attempt: 1 }).complete()
    expect((await bench().turn(turnId)).stats).to.deep.equal({ toolCallCount: 0, tokens: 7, cost: 0.5 })
  })

  it('[VW17] of a drone is told to everybody of its user, and to nobody else', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const drone = await bench().drone({ droneId: 'd1' })
    const states = () => viewer.all('drone:changed').map(([drone]) => (drone as { state: string }).state)
    await viewer.until('online', () => states().includes('online'))
    await viewer.send()
    await viewer.until('busy', () => states().at(-1) === 'busy')
    drone.close()
    await viewer.until('away', () => states().at(-1) === 'away')
    await stranger.ask('session:list', {})
    expect(stranger.heard.map(({ name }) => name)).to.deep.equal(['welcome', 'commands:manifest', 'catalog'])
  })
})
