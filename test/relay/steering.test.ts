import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone({ droneId: 'd1' }), await bench.viewer()]
  const sent = await viewer.send('First.')
  return { drone, viewer, voice: drone.voice(await drone.order()), ...sent }
}

function steer(viewer: RawViewer, chatSessionId: string, messageId: string) {
  return viewer.ask('chat:queue', { chatSessionId, messageId, content: `${messageId}!`, steer: true })
}

function queued(viewer: RawViewer): { messageId: string; steers?: string }[] | undefined {
  const last = viewer.all('queue:changed').at(-1)?.[0] as { queue: { messageId: string }[] } | undefined
  return last?.queue
}

onEveryStore('A message to an agent at work', (bench) => {
  it('[SR1] waits until its agent takes it, is told with its place, and is in the turn from then on', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await atWork(bench())
    voice.response('Hello.')
    await drone.checkpoint(6)
    const answer = await steer(viewer, chatSessionId, 's1')
    expect(answer).to.deep.equal({ ok: true, chatSessionId, startedTurn: false, turnId, position: 1 })
    expect(queued(viewer)).to.deep.equal([{ messageId: 's1', content: 's1!', by: 'ann', steers: turnId }])
    const sent = await drone.until('the message', () => drone.steers[0])
    expect(sent).to.include({ messageId: 's1', text: 's1!' })
    expect(viewer.all('turn:steered')).to.deep.equal([])
    sent.ack({ ok: true, as: 'next' })
    const [told] = (await viewer.event('turn:steered')) as [object]
    const taken = { messageId: 's1', text: 's1!', by: 'ann', as: 'next', offset: 6 }
    expect(told).to.include({ ...taken, chatSessionId, turnId })
    await viewer.until('an empty queue', () => queued(viewer)?.length === 0)
    const late = await bench().viewer()
    expect((await late.join(chatSessionId)).turns[0]?.steers?.[0]).to.include(taken)
    await voice.complete()
    await viewer.ended(turnId)
    expect((await bench().turn(turnId)).steers?.[0]).to.include(taken)
    expect(drone.orders).to.have.lengthOf(1)
    expect(await steer(viewer, chatSessionId, 's1')).to.include({
      startedTurn: false,
      turnId,
      repeated: true,
    })
    expect([viewer.faults, late.faults]).to.deep.equal([[], []])
  })

  it('[SR2] is the next message where the turn ends before it is taken, before those that only waited', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await atWork(bench())
    await viewer.ask('chat:queue', { chatSessionId, messageId: 'm2', content: 'm2!' })
    await steer(viewer, chatSessionId, 's1')
    await steer(viewer, chatSessionId, 's2')
    const [first, second] = await drone.until('both', () => drone.steers.length === 2 && drone.steers)
    first?.ack({ ok: true })
    second?.ack({ ok: false, error: { code: 'fenced', message: 'too late', retryable: false } })
    await viewer.event('turn:steered')
    await voice.complete()
    const next = await drone.order(2)
    expect(next.prompt).to.equal('s2!')
    expect(next.history.map(({ content }) => content)).to.deep.equal(['First.', 's1!'])
    await drone.voice(next).complete()
    expect((await drone.order(3)).prompt).to.equal('m2!')
    expect((await bench().turn(turnId)).steers?.map(({ messageId }) => messageId)).to.deep.equal(['s1'])
    expect(viewer.faults).to.deep.equal([])
  })

  it('[SR3] is sent again to a drone that comes back, and is in the turn once where its end says so first', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await atWork(bench())
    voice.response('Hello.')
    await drone.checkpoint(6)
    await steer(viewer, chatSessionId, 's1')
    await steer(viewer, chatSessionId, 's2')
    drone.close()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'away')
    const back = await bench().drone({ droneId: 'd1' })
    await back.until('both again', () => back.steers.length === 2)
    // Its agent took the first before the connection broke; the answer was lost.
    const heads = [{ lane: '', offset: 6 }]
    const steers = [{ messageId: 's1', as: 'next' }]
    await back.ask('workOrderComplete', turnId, true, null, { attempt: 1, heads, steers })
    const next = await back.order()
    expect(next.prompt).to.equal('s2!')
    const { steers: taken } = await bench().turn(turnId)
    expect(taken?.map(({ messageId, as }) => [messageId, as])).to.deep.equal([['s1', 'next']])
    await back.voice(next).complete()
    await viewer.ended(next.turnId)
    await viewer.until('an empty queue', () => queued(viewer)?.length === 0)
    expect(back.orders).to.have.lengthOf(1)
    expect(viewer.all('turn:steered')).to.have.lengthOf(1)
    expect(viewer.faults).to.deep.equal([])
  })

  it('[SR3] lasts over a restart of the relay', async () => {
    const { viewer, voice, chatSessionId, turnId } = await atWork(bench())
    await steer(viewer, chatSessionId, 's1')
    await bench().restart()
    const [drone, again] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    await again.join(chatSessionId)
    const sent = await drone.until('the message', () => drone.steers[0])
    sent.ack({ ok: true })
    expect((await again.event('turn:steered'))[0]).to.include({ turnId, messageId: 's1', as: 'now' })
    await drone.voice(voice.place).complete()
    await again.ended(turnId)
    expect((await bench().turn(turnId)).steers).to.have.lengthOf(1)
    expect(again.faults).to.deep.equal([])
  })

  it('[SR3] leaves the queue after a start, where a relay died before that', async () => {
    const { drone, viewer, chatSessionId, turnId } = await atWork(bench())
    await steer(viewer, chatSessionId, 's1')
    ;(await drone.until('the message', () => drone.steers[0])).ack({ ok: true })
    await viewer.until('an empty queue', () => queued(viewer)?.length === 0)
    const { store } = bench().relay
    const session = await store.readSession(chatSessionId)
    if (!session) throw new Error('no session')
    const queue = [{ messageId: 's1', content: 's1!', by: 'ann', steers: turnId }]
    expect(await store.updateSession({ ...session, version: session.version + 1, queue })).to.equal(true)
    await bench().restart()
    const again = await bench().viewer()
    const joined = await again.join(chatSessionId)
    if (joined.queue.length > 0) await again.until('an empty queue', () => queued(again)?.length === 0)
    const back = await bench().drone({ droneId: 'd1' })
    await back.handled()
    expect(back.steers).to.deep.equal([])
    expect((await bench().turn(turnId)).steers).to.have.lengthOf(1)
  })

  it('[SR4] is told again to the next attempt, whose agent knows nothing of it', async () => {
    const { drone, viewer, chatSessionId, turnId } = await atWork(bench())
    await steer(viewer, chatSessionId, 's1')
    ;(await drone.until('the message', () => drone.steers[0])).ack({ ok: true })
    await viewer.event('turn:steered')
    const restarted = await bench().drone({ droneId: 'd1', instanceId: 'i2' })
    const order = await restarted.attempt(2)
    expect(order).to.deep.include({ turnId, steers: [{ messageId: 's1', text: 's1!' }] })
  })

  it('[SR5] waits for the end where the drone hears nothing while it works', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().plain(), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send('First.')
    await drone.order()
    drone.emit('response', 'Hello.')
    await viewer.untilText(turnId, 'Hello.')
    const answer = await steer(viewer, chatSessionId, 's1')
    expect(answer).to.deep.equal({ ok: true, chatSessionId, startedTurn: false, position: 1 })
    await drone.ask('workOrderComplete', turnId, true)
    expect((await drone.order(2)).prompt).to.equal('s1!')
    expect(drone.all('steer')).to.deep.equal([])
  })

  it('[SR6] cannot be changed or taken back once it is on its way: the answer is its turn', async () => {
    const { viewer, chatSessionId, turnId } = await atWork(bench())
    await steer(viewer, chatSessionId, 's1')
    const which = { chatSessionId, messageId: 's1' }
    expect(await viewer.ask('queue:cancel', which)).to.deep.equal({ ok: true, turnId })
    expect(await viewer.ask('queue:edit', { ...which, content: 'Other.' })).to.deep.equal({
      ok: true,
      turnId,
    })
    expect(queued(viewer)?.[0]).to.include({ content: 's1!' })
  })
})
