import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

function told(viewer: RawViewer): Record<string, unknown> | undefined {
  const last = viewer.all('session:info').at(-1)?.[0] as { usage?: Record<string, unknown> } | undefined
  return last?.usage
}

onEveryStore('What is used', (bench) => {
  it('[US1] [US2] is counted for each attempt, turn and session, and told when a turn ends', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send()
    const first = await drone.order()
    const usage = { input: 10, output: 2, cacheRead: 5, cost: 0.1, contextUsed: 100, contextWindow: 1000 }
    drone.emit('usage', { turnId, attempt: 1, ...usage, model: 'small' })
    await drone.handled()
    expect((await viewer.event('usage'))[0]).to.include({ chatSessionId, ...usage })
    const restarted = await bench().drone({ droneId: 'd1', instanceId: 'i2' })
    await restarted.attempt(2)
    restarted.emit('usage', { turnId, attempt: 2, input: 1, output: 1, cost: 0.2, model: 'small' })
    await restarted.voice({ turnId, attempt: 2 }).complete()
    await viewer.ended(turnId)
    const turn = await bench().turn(turnId)
    const nothing = { cacheRead: 0, cacheWrite: 0 }
    expect(turn.usage).to.deep.equal({ ...nothing, input: 11, output: 3, cacheRead: 5, cost: 0.3 })
    expect(turn.earlier).to.have.lengthOf(1)
    expect(turn.earlier?.[0]).to.deep.include({
      attempt: 1,
      droneId: 'd1',
      usage: { ...nothing, input: 10, output: 2, cacheRead: 5, cost: 0.1 },
    })
    expect((await bench().turn(first.turnId, 1)).usage).to.deep.include({ input: 10 })
    await viewer.until('the session’s', () => told(viewer)?.['turns'] === 1)
    expect(told(viewer)).to.deep.include({ messages: 1, modelSwitches: 0, input: 11, cost: 0.3 })

    await viewer.send('Next.', { chatSessionId })
    const next = await restarted.order(2)
    restarted.emit('usage', { turnId: next.turnId, attempt: 1, input: 100, output: 1, model: 'large' })
    await restarted.voice(next).complete(false, 'no')
    await viewer.until('both', () => told(viewer)?.['turns'] === 2)
    expect(told(viewer)).to.deep.include({ messages: 2, modelSwitches: 1, input: 111, output: 4, cost: 0.3 })

    await viewer.ask('retry', { turnId: next.turnId })
    const again = await restarted.order(3)
    restarted.emit('usage', { turnId: next.turnId, attempt: 2, input: 1000, output: 0, model: 'large' })
    await restarted.voice(again).complete()
    await viewer.until('the turn counted once', () => told(viewer)?.['input'] === 1111)
    expect(told(viewer)).to.deep.include({ turns: 2, messages: 2, modelSwitches: 1 })
    const { session } = await (await bench().viewer()).join(chatSessionId)
    expect(session.usage).to.deep.equal(told(viewer))
    expect(viewer.faults).to.deep.equal([])
  })

  it('[US2] counts a turn whose relay died between its end and counting it', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send()
    await drone.order()
    drone.emit('usage', { turnId, attempt: 1, input: 10, output: 2 })
    await drone.voice({ turnId, attempt: 1 }).complete()
    await viewer.until('it to be counted', () => told(viewer)?.['turns'] === 1)
    const { store } = bench().relay
    const session = await store.readSession(chatSessionId)
    if (!session) throw new Error('no session')
    const { usage: _usage, ...before } = session
    const uncounted = { ...before, version: session.version + 1, liveTurnId: turnId }
    expect(await store.updateSession(uncounted)).to.equal(true)
    await bench().restart()
    const [back, again] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const next = await again.send('Next.', { chatSessionId })
    await back.order()
    await back.voice({ turnId: next.turnId, attempt: 1 }).complete()
    await again.until('both', () => told(again)?.['turns'] === 2)
    expect(told(again)).to.include({ input: 10, output: 2, messages: 2 })
  })

  it('[US3] is there by day for its user alone, over all their sessions', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    for (const input of [1, 10]) {
      const { turnId } = await viewer.send()
      await drone.until('its order', () => drone.orders.find((order) => order.turnId === turnId))
      drone.emit('usage', { turnId, attempt: 1, input, output: 1, cost: 0.5 })
      await drone.voice({ turnId, attempt: 1 }).complete()
      await viewer.ended(turnId)
    }
    const day = new Date().toISOString().slice(0, 10)
    const { days } = (await (await bench().request('/api/v1/usage?days=7')).json()) as { days: unknown[] }
    const totals = { input: 11, output: 2, cacheRead: 0, cacheWrite: 0, cost: 1 }
    expect(days).to.deep.equal([{ day, turns: 2, ...totals }])
    const bob = await bench().relay.keyOf('code', 'bob')
    const theirs = await (await bench().request('/api/v1/usage', { key: bob })).json()
    expect(theirs).to.deep.equal({ days: [] })
    expect((await bench().request('/api/v1/usage?days=0')).status).to.equal(400)
  })

  it('[US4] of tools is their time, as their drone measured it', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    await voice.call('c1').result('c1', 'done', { durationMs: 1234, isError: true }).complete()
    await viewer.ended(turnId)
    const [call] = (await bench().turn(turnId)).toolCalls
    expect(call).to.include({ durationMs: 1234, isError: true })
    const [, , at] = viewer.all('toolResult')[0] as [string, string, object]
    expect(at).to.include({ durationMs: 1234 })
  })
})
