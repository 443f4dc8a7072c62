import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawDrone } from '../support/raw-drone.ts'

async function atWork(bench: Bench, options = {}) {
  await bench.start(options)
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const sent = await viewer.send()
  const detail = { title: 'Look at a', kind: 'read' }
  const voice = drone.voice(await drone.order()).call('c1', { name: 'look', detail })
  await drone.checkpoint(1)
  return { drone, viewer, ...sent, voice }
}

async function asked(drone: RawDrone, turnId: string, more: object = {}): Promise<Record<string, unknown>> {
  const before = drone.all('crashRecoveryResponse').length
  drone.emit('requestCrashRecovery', { workspaceId: 'w1', chatSessionId: 'any', turnId, ...more })
  return drone.until(
    'an answer',
    () => drone.all('crashRecoveryResponse')[before]?.[0] as Record<string, unknown>,
  )
}

onEveryStore('A drone that was restarted', (bench) => {
  it('[RC2] is really given its turn again, as the next attempt, with what the last one had done', async () => {
    const { viewer, turnId } = await atWork(bench())
    const again = await bench().drone({ instanceId: 'i2' })
    expect(again.welcomed.turns).to.deep.equal([])
    const order = await again.attempt(2)
    expect(order).to.include({ turnId, prompt: 'Do it.' })
    expect(order.earlier).to.deep.equal([
      { attempt: 1, reason: order.earlier?.[0]?.reason, toolCalls: [{ name: 'look', title: 'Look at a' }] },
    ])
    expect(order.earlier?.[0]?.reason).to.match(/was restarted/)
    await again.voice(order).response('anew').complete()
    await viewer.ended(turnId)
    const told = viewer.heard
      .filter(({ name }) => name.startsWith('turn:'))
      .map(({ args }) => args[0] as { status?: string; attempt: number })
    expect(told.map(({ status, attempt }) => `${status ?? 'started'} ${attempt}`)).to.deep.equal([
      'queued 1',
      'started 1',
      'recovering 1',
      'started 2',
      'finished 2',
    ])
    expect(viewer.text(turnId)).to.equal('anew')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[RC3] that asks about its turn is told to retry, and the order follows after the delay', async () => {
    const { turnId } = await atWork(bench(), { retryFirstMs: '300', retryLongestMs: '300' })
    const again = await bench().drone({ instanceId: 'i2' })
    const answer = await asked(again, turnId, { attempt: 1 })
    expect(answer).to.include({ turnId, action: 'retry', attempt: 2 })
    expect(answer['retryDelay']).to.be.within(1, 300)
    expect(again.orders).to.deep.equal([])
    expect(await again.order()).to.include({ turnId, attempt: 2 })
  })

  it('[RC3] that asks twice is answered the same, and no second attempt is lost by it', async () => {
    const { turnId } = await atWork(bench(), { retryFirstMs: '300', retryLongestMs: '300' })
    const again = await bench().drone({ instanceId: 'i2' })
    const first = await asked(again, turnId)
    const second = await asked(again, turnId)
    expect([first['action'], first['attempt']]).to.deep.equal(['retry', 2])
    expect([second['action'], second['attempt']]).to.deep.equal(['retry', 2])
    const order = await again.order()
    expect(await asked(again, turnId)).to.include({ action: 'retry', attempt: 2 })
    expect(await again.voice(order).response('once').complete()).to.include({ ok: true, status: 'finished' })
    expect(again.orders).to.have.lengthOf(1)
  })

  it("[RC4] is told to discard a turn that is unknown, over, somebody else's, or past the attempt it asks for", async () => {
    const { viewer, drone, turnId, voice } = await atWork(bench())
    const other = await bench().drone({ name: 'other' })
    expect(await asked(other, turnId)).to.deep.equal({ turnId, action: 'discard' })
    expect(await asked(other, 'unknown')).to.deep.equal({ turnId: 'unknown', action: 'discard' })
    const stranger = await bench().drone({}, await bench().relay.keyOf('drone', 'bob'))
    expect(await asked(stranger, turnId)).to.deep.equal({ turnId, action: 'discard' })
    // The asking changed nothing: the drone goes on.
    voice.response('mine')
    await drone.checkpoint(5)
    const again = await bench().drone({ instanceId: 'i2' })
    await again.attempt(2)
    expect(await asked(again, turnId, { attempt: 1 })).to.deep.equal({ turnId, action: 'discard' })
    await again.voice({ turnId, attempt: 2 }).response('done').complete()
    expect(await asked(again, turnId)).to.deep.equal({ turnId, action: 'discard' })
    await viewer.ended(turnId)
  })

  it('[RC5] finds its late words and its late completion fenced, and none of them in the turn', async () => {
    const { viewer, drone, turnId, voice } = await atWork(bench(), {
      retryFirstMs: '200',
      retryLongestMs: '200',
    })
    for (let beat = 0; beat < 2; beat++) await drone.ask('heartbeat', { turns: [] })
    await viewer.status(turnId, 'recovering')
    voice.response('late')
    expect((await drone.error('fenced')).at).to.include({ attempt: 1, offset: 1 })
    expect((await voice.complete()).error?.code).to.equal('fenced')
    const order = await drone.attempt(2)
    voice.response('later still')
    await drone.voice(order).response('anew').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('anew')
    expect((await bench().turn(turnId, 1)).heads).to.deep.equal([{ lane: '', offset: 1 }])
  })

  it('[RC6] too often fails its turn, with the reason and the number of its attempts', async () => {
    const { viewer, turnId } = await atWork(bench(), { maxAttempts: '3' })
    for (const attempt of [2, 3]) {
      const again = await bench().drone({ instanceId: `i${attempt}` })
      const order = await again.attempt(attempt)
      again.voice(order).response('x')
      await again.checkpoint(1)
    }
    await bench().drone({ instanceId: 'i4' })
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'failed', attempt: 3 })
    expect(end.reason).to.match(/restarted.*3 attempts/)
  })
})

onEveryStore('A drone that does not know of a turn it had acknowledged', (bench) => {
  it('[RC27] has not ended it by saying so: it is tried again', async () => {
    const { drone, viewer, turnId } = await atWork(bench())
    drone.close()
    const again = await bench().drone()
    expect(again.welcomed.turns[0]).to.include({ turnId, attempt: 1, acknowledged: true })
    const lost = ['workOrderComplete', turnId, false, 'lost', { attempt: 1, heads: [] }] as const
    expect((await again.ask(...lost)).error).to.include({ code: 'fenced' })
    const order = await again.attempt(2)
    expect(order).to.include({ turnId, prompt: 'Do it.' })
    expect(order.earlier?.[0]?.reason).to.match(/does not know of the turn any more/)
    expect((await again.ask(...lost)).error, 'said again').to.include({ code: 'fenced' })
    await again.voice(order).response('anew').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('anew')
  })

  it('[RC27] ends it where it names words, whatever its reason is called', async () => {
    const { viewer, turnId, voice } = await atWork(bench())
    await voice.complete(false, 'lost')
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'failed', reason: 'lost' })
  })
})
