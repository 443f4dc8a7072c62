import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

type Options = Parameters<Bench['start']>[0]

/** A turn whose agent has begun to change a file when its drone is restarted. */
async function lostWhileEditing(bench: Bench, options: Options = {}, kind: string | undefined = 'edit') {
  await bench.start(options)
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const sent = await viewer.send()
  const detail = { title: 'Edit a', ...(kind === undefined ? {} : { kind }) }
  drone.voice(await drone.order()).call('c1', { name: 'edit', detail })
  await drone.checkpoint(1)
  const again = await bench.drone({ instanceId: 'i2' })
  return { drone: again, viewer, ...sent }
}

onEveryStore('A turn that was lost after a tool with side effects had started', (bench) => {
  it('[LC11] waits for a yes, says so, and is really tried again when it comes', async () => {
    const { drone, viewer, turnId, chatSessionId } = await lostWhileEditing(bench())
    const waiting = await viewer.status(turnId, 'recovering')
    expect(waiting).to.include({ attempt: 1, waitingFor: 'retry' })
    expect(waiting.reason).to.match(/restarted.*somebody says so/)
    expect(waiting.expiresInMs).to.be.greaterThan(0)
    const late = await bench().viewer()
    expect((await late.join(chatSessionId)).turns[0]).to.include({
      status: 'recovering',
      waitingFor: 'retry',
    })
    drone.emit('requestCrashRecovery', { workspaceId: 'w1', turnId, chatSessionId, attempt: 1 })
    expect((await drone.event('crashRecoveryResponse'))[0]).to.deep.equal({ turnId, action: 'discard' })
    expect(drone.orders).to.deep.equal([])

    expect(await viewer.ask('retry', { turnId })).to.deep.equal({ ok: true, attempt: 2 })
    const order = await drone.order()
    expect(order).to.include({ turnId, attempt: 2, prompt: 'Do it.' })
    expect(order.earlier?.[0]?.toolCalls).to.deep.equal([{ name: 'edit', title: 'Edit a' }])
    await drone.voice(order).response('done').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('done')
    expect((await bench().turn(turnId, 1)).toolCalls[0]).to.include({ callId: 'c1', name: 'edit' })
    expect([viewer.faults, late.faults]).to.deep.equal([[], []])
  })

  it('[LC11] ends with a no, and with nobody saying anything', async () => {
    const { viewer, turnId, chatSessionId } = await lostWhileEditing(bench())
    await viewer.status(turnId, 'recovering')
    const answer = await viewer.ask('abort', { chatSessionId })
    expect(answer).to.include({ ok: true, turnId, status: 'aborted' })
    await bench().restart({ askMs: '50' })
    const [drone, asker] = [await bench().drone({ instanceId: 'i3' }), await bench().viewer()]
    const next = await asker.send()
    drone.voice(await drone.order()).call('c1', { detail: { kind: 'delete' } })
    await drone.checkpoint(1)
    await bench().drone({ instanceId: 'i4' })
    const end = await asker.ended(next.turnId)
    expect(end.status).to.equal('failed')
    expect(end.reason).to.match(/Nobody said/)
  })

  it('[LC11] still waits for a yes after the relay was restarted', async () => {
    const { viewer, turnId } = await lostWhileEditing(bench(), {}, undefined)
    await viewer.status(turnId, 'recovering')
    await bench().restart()
    const [drone, asker] = [await bench().drone({ instanceId: 'i3' }), await bench().viewer()]
    await drone.handled()
    expect(drone.orders).to.deep.equal([])
    expect(await asker.ask('retry', { turnId })).to.include({ ok: true, attempt: 2 })
    expect(await drone.order()).to.include({ turnId, attempt: 2 })
  })

  it('[LC11] is never tried again by itself, or always, where that is the policy', async () => {
    const { viewer, turnId } = await lostWhileEditing(bench(), { retryPolicy: 'never' }, 'execute')
    expect((await viewer.ended(turnId)).reason).to.match(/not tried again/)
    await bench().restart({ retryPolicy: 'always' })
    const [drone, asker] = [await bench().drone({ instanceId: 'i3' }), await bench().viewer()]
    const { turnId: next } = await asker.send()
    drone.voice(await drone.order()).call('c1', { detail: { kind: 'execute' } })
    await drone.checkpoint(1)
    const again = await bench().drone({ instanceId: 'i4' })
    expect(await again.order()).to.include({ turnId: next, attempt: 2 })
  })

  it('[LC11] is tried again without a question after a tool that only looks', async () => {
    const { drone, turnId } = await lostWhileEditing(bench(), {}, 'search')
    expect(await drone.order()).to.include({ turnId, attempt: 2 })
  })
})

onEveryStore('A turn that has failed', (bench) => {
  async function failed(options: Options = {}) {
    await bench().start(options)
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const sent = await viewer.send()
    await drone
      .voice(await drone.order())
      .response('half')
      .complete(false, 'The model is away.')
    await viewer.ended(sent.turnId)
    return { drone, viewer, ...sent }
  }

  it('[LC12] is taken up again as its next attempt, and everybody sees it', async () => {
    const { drone, viewer, turnId, chatSessionId } = await failed()
    const other = await bench().viewer()
    await other.join(chatSessionId)
    await other.resumed()
    const answers = await Promise.all([viewer.ask('retry', { turnId }), other.ask('retry', { turnId })])
    expect(answers.map(({ ok }) => ok)).to.include(true)
    const order = await drone.attempt(2)
    expect(order.earlier?.[0]).to.deep.equal({ attempt: 1, reason: 'The model is away.', toolCalls: [] })
    await drone.voice(order).response('whole').complete()
    for (const seer of [viewer, other]) {
      await seer.until('the second end', () =>
        seer.statuses(turnId).some(({ status }) => status === 'finished'),
      )
      expect(seer.text(turnId)).to.equal('whole')
      expect(seer.faults).to.deep.equal([])
    }
    expect(drone.orders.map(({ attempt }) => attempt)).to.deep.equal([1, 2])
    expect((await bench().turn(turnId)).blocks[0]?.content).to.equal('whole')
    expect((await bench().turn(turnId, 1)).blocks[0]?.content).to.equal('half')
    expect((await viewer.send('And now?', { chatSessionId })).ok).to.equal(true)
  })

  it('[LC12] is taken up again over HTTP, also when it was aborted, and once the relay was restarted', async () => {
    const { turnId } = await failed()
    await bench().restart()
    const retry = (): Promise<Response> =>
      bench().request(`/api/v1/turns/${turnId}/retry`, 'code', { method: 'POST' })
    expect(await (await retry()).json()).to.deep.equal({ attempt: 2 })
    const drone = await bench().drone()
    await drone.attempt(2)
    expect((await retry()).status).to.equal(409)
    const abort = await bench().request(`/api/v1/turns/${turnId}/abort`, 'code', { method: 'POST' })
    expect(await abort.json()).to.deep.equal({ turnId, status: 'aborted' })
    expect(await (await retry()).json()).to.deep.equal({ attempt: 3 })
    await drone.voice(await drone.attempt(3)).complete()
    expect((await bench().turn(turnId)).status).to.equal('finished')
    expect((await retry()).status).to.equal(400)
  })

  it('[LC12] is not taken up again when it is not the last, unknown, or of somebody else', async () => {
    const { drone, viewer, turnId, chatSessionId } = await failed()
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect((await bob.ask('retry', { turnId })).error?.code).to.equal('not_found')
    expect((await viewer.ask('retry', { turnId: 'unknown' })).error?.code).to.equal('not_found')
    await viewer.send('The next one.', { chatSessionId })
    await drone.voice(await drone.order(2)).complete()
    expect((await viewer.ask('retry', { turnId })).error?.code).to.equal('invalid_payload')
    expect((await bench().turn(turnId)).status).to.equal('failed')
  })
})

onEveryStore('A turn that waits for its next attempt', (bench) => {
  it('[RC2] says how long, and goes on at once when somebody does not want to wait', async () => {
    const { drone, viewer, turnId } = await lostWhileEditing(
      bench(),
      { retryFirstMs: '60000', retryLongestMs: '60000' },
      'read',
    )
    const waiting = await viewer.status(turnId, 'recovering')
    expect(waiting.waitingFor).to.equal('drone')
    expect(waiting.retryInMs).to.be.within(25_000, 60_000)
    expect(await viewer.ask('retry', { turnId })).to.include({ ok: true, attempt: 2 })
    expect(await drone.order()).to.include({ turnId, attempt: 2 })
  })
})
