import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

interface Queue {
  readonly version: number
  readonly queue: { readonly messageId: string; readonly content: string; readonly by: string }[]
}

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone({ droneId: 'd1' }), await bench.viewer()]
  const sent = await viewer.send('First.')
  return { drone, viewer, voice: drone.voice(await drone.order()), ...sent }
}

function queue(viewer: RawViewer, chatSessionId: string | undefined, messageId: string, more: object = {}) {
  return viewer.ask('chat:queue', { chatSessionId, messageId, content: `${messageId}!`, ...more })
}

/** The contents of the queue, as last told. */
function told(viewer: RawViewer): string[] | undefined {
  const last = viewer.all('queue:changed').at(-1)?.[0] as Queue | undefined
  return last?.queue.map(({ content }) => content)
}

onEveryStore('The queue of a session', (bench) => {
  it('[CQ1] starts a turn at once where none is live, and its sender hears it from the first word', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const answer = await queue(viewer, undefined, 'm1')
    expect(answer).to.include({ ok: true, startedTurn: true })
    const order = await drone.order()
    expect(order).to.include({ prompt: 'm1!', turnId: answer['turnId'] })
    await drone.voice(order).response('Hello.').complete()
    await viewer.ended(order.turnId)
    expect(viewer.text(order.turnId)).to.equal('Hello.')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[CQ1] [CQ2] keeps what comes while a turn is live, tells everybody, and starts it by itself, in order', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await atWork(bench())
    expect(await queue(viewer, chatSessionId, 'm2')).to.deep.equal({
      ok: true,
      chatSessionId,
      startedTurn: false,
      position: 1,
    })
    expect(await queue(viewer, chatSessionId, 'm3', { model: undefined, cwd: '/w' })).to.include({
      position: 2,
    })
    const late = await bench().viewer()
    const { queue: joined } = await late.join(chatSessionId)
    expect(joined.map(({ content, by }) => [content, by])).to.deep.equal([
      ['m2!', 'ann'],
      ['m3!', 'ann'],
    ])
    expect(told(viewer)).to.deep.equal(['m2!', 'm3!'])
    await voice.complete()
    const second = await drone.order(2)
    expect(second.prompt).to.equal('m2!')
    await late.until('one left', () => told(late)?.length === 1)
    await drone.voice(second).response('Two.').complete(false, 'no')
    const third = await drone.order(3)
    expect(third).to.include({ prompt: 'm3!', cwd: '/w' })
    await drone.voice(third).complete()
    await Promise.all([viewer.ended(third.turnId), late.ended(third.turnId)])
    expect(viewer.text(second.turnId)).to.equal('Two.')
    expect(told(late)).to.deep.equal([])
    const started = late.all('turn:started').map(([news]) => (news as { messageId: string }).messageId)
    expect(started).to.deep.equal(['m2', 'm3'])
    expect((await viewer.ended(turnId)).status).to.equal('finished')
    expect([viewer.faults, late.faults]).to.deep.equal([[], []])
  })

  it('[CQ2] goes on after an abort, too', async () => {
    const { drone, viewer, chatSessionId, turnId } = await atWork(bench())
    await queue(viewer, chatSessionId, 'm2')
    await viewer.ask('abort', { chatSessionId, turnId })
    expect((await drone.order(2)).prompt).to.equal('m2!')
  })

  it('[CQ2] lasts over a restart of the relay, and starts when the turn before has ended', async () => {
    const { viewer, voice, chatSessionId } = await atWork(bench())
    await queue(viewer, chatSessionId, 'm2')
    await queue(viewer, chatSessionId, 'm3')
    await bench().restart()
    const [drone, again] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    expect((await again.join(chatSessionId)).queue.map(({ messageId }) => messageId)).to.deep.equal([
      'm2',
      'm3',
    ])
    await drone.voice(voice.place).complete()
    const second = await drone.order()
    expect(second.prompt).to.equal('m2!')
    await drone.voice(second).complete()
    expect((await drone.order(2)).prompt).to.equal('m3!')
    expect(again.faults).to.deep.equal([])
  })

  it('[CQ2] starts after a start of the relay where nothing is live: it died between the two', async () => {
    const { viewer, voice, chatSessionId, turnId } = await atWork(bench())
    await voice.complete()
    await viewer.event('session:info', ({ usage }: { usage?: { turns: number } }) => usage?.turns === 1)
    const { store } = bench().relay
    const session = await store.readSession(chatSessionId)
    if (!session) throw new Error('no session')
    const [started, waits] = ['m2', 'm3'].map((messageId) => ({
      messageId,
      content: `${messageId}!`,
      by: 'ann',
    }))
    if (!started || !waits) throw new Error('no messages')
    const next = { ...session, version: session.version + 1, queue: [started, waits] }
    expect(await store.updateSession(next)).to.equal(true)
    // The first was inserted as a turn already, and not named by its session.
    const header = await store.readTurn(turnId)
    if (!header) throw new Error('no turn')
    const { assigned: _a, startedAt: _s, endedAt: _e, ...rest } = header
    const queued = { ...rest, turnId: `${turnId}2`, messageId: 'm2', prompt: 'm2!' }
    await store.insertTurn({
      ...queued,
      status: 'queued',
      version: 0,
      lanes: [],
      createdAt: header.createdAt + 1,
    })
    await bench().restart()
    const drone = await bench().drone({ droneId: 'd1' })
    const second = await drone.order()
    expect(second.turnId).to.equal(queued.turnId)
    await drone.voice(second).complete()
    expect((await drone.order(2)).prompt).to.equal('m3!')
    expect(drone.orders.map(({ prompt }) => prompt)).to.deep.equal(['m2!', 'm3!'])
  })

  it('[CQ3] takes a message once, wherever it is by now', async () => {
    const { drone, viewer, voice, chatSessionId } = await atWork(bench())
    const answers = await Promise.all([
      queue(viewer, chatSessionId, 'm2'),
      queue(viewer, chatSessionId, 'm2'),
      queue(viewer, undefined, 'm2', { chatSessionId }),
    ])
    expect(answers.map(({ position }) => position)).to.deep.equal([1, 1, 1])
    expect(answers.filter(({ repeated }) => repeated === true)).to.have.lengthOf(2)
    const sent = await viewer.ask('chat:send', { chatSessionId, messageId: 'm2', content: 'm2!' })
    expect(sent.error?.code).to.equal('invalid_payload')
    await voice.complete()
    const { turnId } = await drone.order(2)
    expect(await queue(viewer, chatSessionId, 'm2')).to.include({ startedTurn: true, turnId, repeated: true })
    await drone.voice({ turnId, attempt: 1 }).complete()
    await viewer.ended(turnId)
    expect(await queue(viewer, chatSessionId, 'm2')).to.include({
      turnId,
      status: 'finished',
      repeated: true,
    })
    expect(drone.orders).to.have.lengthOf(2)
  })

  it('[CQ3] leaves a message to the session that began it, where somebody uses its id for two', async () => {
    const { drone, viewer, voice, chatSessionId } = await atWork(bench())
    await queue(viewer, chatSessionId, 'm2')
    const elsewhere = await viewer.ask('chat:send', { messageId: 'm2', content: 'Elsewhere.' })
    expect(elsewhere['chatSessionId']).not.to.equal(chatSessionId)
    await voice.complete()
    const order = await drone.order(2)
    expect(order).to.include({ turnId: elsewhere['turnId'], prompt: 'Elsewhere.' })
    await viewer.until('an empty queue', () => told(viewer)?.length === 0)
    await drone.voice(order).complete()
    await viewer.ended(order.turnId)
    expect((await viewer.join(chatSessionId)).session.status).to.equal('idle')
    expect(drone.orders).to.have.lengthOf(2)
  })

  it('[CQ4] lets messages be changed and taken back until they start', async () => {
    const { drone, viewer, voice, chatSessionId } = await atWork(bench())
    for (const messageId of ['m2', 'm3', 'm4']) await queue(viewer, chatSessionId, messageId)
    const change = (event: string, messageId: string, more: object = {}) =>
      viewer.ask(event, { chatSessionId, messageId, ...more })
    expect(await change('queue:edit', 'm3', { content: 'Better.' })).to.deep.equal({ ok: true })
    expect(await change('queue:cancel', 'm2')).to.deep.equal({ ok: true })
    expect(told(viewer)).to.deep.equal(['Better.', 'm4!'])
    await voice.complete()
    const { turnId, prompt } = await drone.order(2)
    expect(prompt).to.equal('Better.')
    expect(await change('queue:edit', 'm3', { content: 'Too late.' })).to.deep.equal({ ok: true, turnId })
    expect(await change('queue:cancel', 'm3')).to.deep.equal({ ok: true, turnId })
    expect((await change('queue:cancel', 'm2')).error?.code).to.equal('not_found')
    expect((await bench().turn(turnId)).prompt).to.equal('Better.')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[CQ4] is nobody else’s, and no watcher’s to change', async () => {
    const { viewer, chatSessionId } = await atWork(bench())
    await queue(viewer, chatSessionId, 'm2')
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    const which = { chatSessionId, messageId: 'm2' }
    for (const [event, payload] of [
      ['queue:cancel', which],
      ['queue:edit', { ...which, content: 'Mine.' }],
      ['chat:queue', { ...which, content: 'Mine.' }],
      ['session:open', { chatSessionId }],
    ] as const) {
      expect((await stranger.ask(event, payload)).error?.code, event).to.equal('not_found')
      expect((await watcher.ask(event, payload)).error?.code, event).to.equal('forbidden')
    }
    expect(told(viewer)).to.deep.equal(['m2!'])
  })

  it('[CQ1] [CQ4] is there over HTTP as well', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await atWork(bench())
    const call = async (method: string, path: string, body?: object) => {
      const init = { method, ...(body ? { body: JSON.stringify(body) } : {}) }
      const response = await bench().request(`/api/v1${path}`, 'code', init)
      return [response.status, await response.json()] as const
    }
    const message = { chatSessionId, messageId: 'm/2', content: 'Then.' }
    expect(await call('POST', '/messages', message)).to.deep.equal([
      202,
      { chatSessionId, startedTurn: false, position: 1 },
    ])
    const path = `/chat-sessions/${chatSessionId}/queue/${encodeURIComponent('m/2')}`
    expect(await call('PATCH', path, { content: 'Better.' })).to.deep.equal([200, {}])
    const [, shown] = (await call('GET', `/chat-sessions/${chatSessionId}`)) as [number, object]
    expect(shown).to.deep.include({ queue: [{ messageId: 'm/2', content: 'Better.', by: 'ann' }] })
    expect(shown).to.have.nested.property('session.liveTurnId', turnId)
    await voice.complete()
    const next = await drone.order(2)
    expect(next.prompt).to.equal('Better.')
    expect(await call('DELETE', path)).to.deep.equal([200, { turnId: next.turnId }])
    expect((await call('DELETE', `${path}x`))[0]).to.equal(404)
    expect((await call('POST', '/messages', { content: 'No id.' }))[0]).to.equal(400)
    await drone.voice(next).complete()
    const [status, answer] = await call('POST', '/messages', { messageId: 'm3', content: 'Alone.' })
    expect([status, answer]).to.have.deep.nested.property('[1].startedTurn', true)
    expect(viewer.faults).to.deep.equal([])
  })

  it('[CQ5] has its bounds: what is too much is refused and changes nothing', async () => {
    const { viewer, chatSessionId } = await atWork(bench())
    const large = 'x'.repeat(200_000)
    await queue(viewer, chatSessionId, 'large', { content: large })
    const second = await queue(viewer, chatSessionId, 'm2', { content: large })
    expect(second.error?.code).to.equal('payload_too_large')
    const which = { chatSessionId, messageId: 'large' }
    expect((await viewer.ask('queue:edit', { ...which, content: large + large })).error?.code).to.equal(
      'payload_too_large',
    )
    expect(told(viewer)).to.deep.equal([large])
    await viewer.ask('queue:cancel', which)
    for (let number = 1; number <= 100; number++) await queue(viewer, chatSessionId, `n${number}`)
    expect((await queue(viewer, chatSessionId, 'n101')).error?.code).to.equal('rate_limited')
    expect(told(viewer)).to.have.lengthOf(100)
  })

  it('[CS5] tells the user’s other clients how a session stands, and which one to show', async () => {
    await bench().start()
    const [drone, viewer, other] = [await bench().drone(), await bench().viewer(), await bench().viewer()]
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const { chatSessionId, turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    await voice.complete()
    await viewer.ended(turnId)
    const statuses = () => other.all('session:statusChanged').map(([news]) => news)
    await other.until('the end', () => statuses().length === 3)
    expect(statuses()).to.deep.equal([
      { chatSessionId, status: 'queued', waitingFor: 'drone' },
      { chatSessionId, status: 'processing' },
      { chatSessionId, status: 'idle' },
    ])
    expect(await viewer.ask('session:open', { chatSessionId })).to.deep.equal({ ok: true })
    expect((await other.event('session:opened'))[0]).to.deep.equal({ chatSessionId })
    expect((await viewer.ask('session:open', { chatSessionId: 'nowhere' })).error?.code).to.equal('not_found')
    expect(viewer.all('session:opened')).to.deep.equal([])
    expect(viewer.all('session:statusChanged')).to.deep.equal([])
    expect(stranger.all('session:statusChanged')).to.deep.equal([])
  })
})
