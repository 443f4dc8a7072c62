import { expect } from 'chai'
import { Bench, onEveryStore } from '../support/bench.ts'
import { CommitGate } from '../support/gated-store.ts'
import type { ToolCallView } from '../../src/protocol/turn-view.ts'

async function atWork(bench: Bench, options = {}) {
  await bench.start(options)
  const [drone, viewer] = [await bench.plain(), await bench.viewer()]
  drone.acknowledges = false
  const sent = await viewer.send()
  await drone.order()
  return { drone, viewer, ...sent }
}

onEveryStore('A plain drone', (bench) => {
  it('[PL1] says its words in order, without positions, and hears nothing that it does not know', async () => {
    const { drone, viewer, turnId } = await atWork(bench())
    drone.emit('status', 'digging')
    drone.emit('thinking', 'Let me ')
    drone.emit('thinking', 'see.')
    drone.emit('toolCall', 'c1', 'read', '{"path":"a"}', '')
    drone.emit('response', 'Found')
    drone.emit('toolCall', 'c1', 'read', '{"path":"a"}', 'the text of a')
    drone.emit('response', ' it.')
    expect(await drone.ask('workOrderComplete', turnId, true)).to.include({ ok: true })
    const { blocks, toolCalls, incomplete } = await bench().turn(turnId)
    expect(blocks.map(({ mode }) => mode)).to.deep.equal(['thinking', 'tool', 'responding'])
    expect(blocks[2]?.content).to.equal('Found it.')
    expect(toolCalls).to.have.lengthOf(1)
    expect(toolCalls[0]).to.include({ callId: 'c1', parameters: '{"path":"a"}', response: 'the text of a' })
    expect(incomplete).to.equal(undefined)
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('Let me see.[c1]Found(c1) it.')
    expect(viewer.faults).to.deep.equal([])
    expect(drone.heard.map(({ name }) => name)).to.deep.equal(['welcome', 'processWorkOrder'])
  })

  it('[PL2] takes the second toolCall of an unanswered call as its result, and of an answered one as a new call', async () => {
    const { drone, turnId } = await atWork(bench())
    for (const response of ['', 'first', '', 'second', 'at once']) {
      drone.emit('toolCall', 'c1', 'read', '{}', response)
    }
    await drone.ask('workOrderComplete', turnId, true)
    const { toolCalls } = await bench().turn(turnId)
    expect(toolCalls.map(({ response }) => response)).to.deep.equal(['first', 'second', 'at once'])
  })

  it('[PL3] acknowledges its order with its first word', async () => {
    const { drone, viewer, turnId } = await atWork(bench())
    const second = await viewer.send('Another.', {})
    drone.emit('response', 'a')
    await viewer.untilText(turnId, 'a')
    // An order that nobody had acknowledged is given again on a new connection; this one is not.
    const again = await bench().plain()
    again.emit('response', 'b')
    await viewer.untilText(turnId, 'ab')
    await again.ask('workOrderComplete', turnId, true)
    await again.order()
    expect(again.orders.map((order) => order.turnId)).to.deep.equal([second.turnId])
  })

  it('[PL3] is given an unacknowledged order again on its next connection, the same attempt', async () => {
    const { drone, turnId } = await atWork(bench())
    drone.close()
    const again = await bench().plain()
    expect(await again.order()).to.include({ turnId, attempt: 1 })
  })

  it('[PL4] has one turn at a time, and gets the next after its completion', async () => {
    const { drone, viewer, turnId } = await atWork(bench())
    const second = await viewer.send('Second.')
    expect(second.status).to.equal('queued')
    drone.emit('response', 'one')
    await viewer.untilText(turnId, 'one')
    expect(drone.orders).to.have.lengthOf(1)
    await drone.ask('workOrderComplete', turnId, true)
    expect((await drone.order(2)).turnId).to.equal(second.turnId)
  })

  it('[PL4] gets no other order before it has completed one that was aborted: its late words must not mix', async () => {
    const { drone, viewer, turnId, chatSessionId } = await atWork(bench())
    drone.emit('response', 'one')
    await viewer.untilText(turnId, 'one')
    await viewer.ask('abort', { chatSessionId })
    const second = await viewer.send('Second.')
    drone.emit('response', ' late words of the first')
    await drone.error('fenced')
    expect(drone.orders).to.have.lengthOf(1)
    expect(await drone.ask('workOrderComplete', turnId, false, 'stopped')).to.include({ status: 'aborted' })
    expect((await drone.order(2)).turnId).to.equal(second.turnId)
    drone.emit('response', 'two')
    await drone.ask('workOrderComplete', second.turnId, true)
    expect((await bench().turn(second.turnId)).blocks[0]?.content).to.equal('two')
    expect((await bench().turn(turnId)).blocks[0]?.content).to.equal('one')
  })

  it('[PL4] that is at work is still one that a turn without its drone can wait for', async () => {
    await bench().start({ graceMs: '100' })
    const [plain, viewer] = [await bench().plain(), await bench().viewer()]
    const first = await viewer.send('First.')
    await plain.order()
    const other = await bench().drone()
    const second = await viewer.send('Second.')
    await other.order()
    other.close()
    await viewer.status(second.turnId, 'recovering')
    await plain.ask('workOrderComplete', first.turnId, true)
    expect(await plain.order(2)).to.include({ turnId: second.turnId, attempt: 2 })
  })

  it('[PL5] whose connection broke goes on with its turn, which is incomplete from then on', async () => {
    const { drone, viewer, turnId } = await atWork(bench())
    drone.emit('toolCall', 'c1', 'read', '{}', '')
    await viewer.untilText(turnId, '[c1]')
    drone.close()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'away')
    const again = await bench().plain()
    expect(again.welcomed.turns[0]).to.include({ turnId, attempt: 1 })
    again.emit('toolCall', 'c1', 'read', '{}', 'its result')
    again.emit('response', 'done')
    await again.ask('workOrderComplete', turnId, true)
    const turn = await bench().turn(turnId)
    expect(turn.incomplete).to.equal(true)
    expect(turn.toolCalls.map(({ response }: ToolCallView) => response)).to.deep.equal(['its result'])
  })

  it('[PL6] is asked to leave with the acknowledgement alone', async () => {
    const { drone } = await atWork(bench())
    const { registrationId } = drone.welcomed
    drone.socket.on('requestTermination', (...args: unknown[]) =>
      (args[0] as (leaves: boolean) => void)(true),
    )
    const ops = await bench().ops()
    const answer = await ops.ask('requestTermination', { registrationId, reason: 'enough' })
    expect(answer).to.deep.equal({ ok: true, success: true })
    expect(drone.all('requestTermination')[0]).to.have.lengthOf(1)
  })

  it('[PL7] that speaks without a turn is answered, and nothing comes of it', async () => {
    await bench().start()
    const drone = await bench().plain()
    drone.emit('response', 'to nobody')
    expect(await drone.error('fenced')).to.include({ event: 'response' })
    expect((await drone.ask('workOrderComplete', 'unknown', true)).error?.code).to.equal('not_found')
  })

  it('[PL8] asks about its turn after a restart, and gets its order again with what was done', async () => {
    const { drone, viewer, turnId, chatSessionId } = await atWork(bench(), { retryPolicy: 'always' })
    drone.emit('toolCall', 'c1', 'write', '{}', '')
    await viewer.untilText(turnId, '[c1]')
    drone.close()
    const again = await bench().plain()
    again.emit('requestCrashRecovery', { workspaceId: 'w1', turnId, chatSessionId })
    const [answer] = await again.event('crashRecoveryResponse')
    expect(answer).to.include({ turnId, action: 'retry' })
    const order = await again.order()
    expect(order).to.include({ turnId, attempt: 2 })
    expect(order.earlier?.[0]?.toolCalls).to.deep.equal([{ name: 'write' }])
    again.emit('response', 'anew')
    await again.ask('workOrderComplete', turnId, true)
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('anew')
  })

  it('[PL11] that is made to wait by not being read is not taken for dead', async () => {
    const gate = new CommitGate()
    const { store } = bench()
    const gated = { ...store, open: async () => gate.around(await store.open()) }
    const waiting = new Bench(gated)
    try {
      await waiting.start({ windowBytes: '10000', pingIntervalMs: '200', pingTimeoutMs: '700' })
      const [drone, viewer] = [await waiting.plain(), await waiting.viewer()]
      const { turnId } = await viewer.send()
      await drone.order()
      gate.close()
      const piece = 'x'.repeat(20_000)
      for (let n = 0; n < 20; n++) drone.emit('response', piece)
      // Longer than a drone that answers no ping is kept: as the pings of another connection tell.
      await new Promise<void>((resolve) => {
        let pings = 0
        viewer.socket.io.on('ping', () => {
          pings += 1
          if (pings === 8) resolve()
        })
      })
      expect(drone.disconnectedFor).to.equal(undefined)
      gate.open()
      expect(await drone.ask('workOrderComplete', turnId, true)).to.include({ ok: true, status: 'finished' })
      const { blocks, incomplete } = await waiting.turn(turnId)
      expect([blocks[0]?.content === piece.repeat(20), incomplete]).to.deep.equal([true, undefined])
    } finally {
      gate.open()
      await waiting.close()
    }
  })

  it('[PL12] answers calls that it made before the relay was restarted', async () => {
    const { drone, viewer, turnId } = await atWork(bench())
    drone.emit('toolCall', 'c1', 'read', '{}', '')
    drone.emit('agent:tool-call', { agentId: 'a', tool: 'grep', args: { for: 'x' } })
    drone.emit('agent:tool-call', { agentId: 'a', tool: 'ls', args: {} })
    drone.emit('agent:tool-result', { agentId: 'a', tool: 'grep', result: 'found' })
    await viewer.untilText(turnId, '[a:1][a:2](a:1)', 'a')
    await bench().restart()
    const back = await bench().plain()
    back.emit('toolCall', 'c1', 'read', '{}', 'the text')
    back.emit('agent:tool-result', { agentId: 'a', tool: 'ls', result: 'three' })
    back.emit('agent:tool-call', { agentId: 'a', tool: 'cat', args: {} })
    expect(await back.ask('workOrderComplete', turnId, true)).to.include({ ok: true, status: 'finished' })
    const { toolCalls, lanes } = await bench().turn(turnId)
    expect(toolCalls.map(({ callId, response }) => [callId, response])).to.deep.equal([['c1', 'the text']])
    const calls = lanes?.['a']?.blocks.map(({ content }) => content as ToolCallView)
    expect(calls?.map(({ callId, response }) => [callId, response])).to.deep.equal([
      ['a:1', 'found'],
      ['a:2', 'three'],
      ['a:3', ''],
    ])
  })
})
