import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('A message', (bench) => {
  it('[VW6] is answered before anything of its session, and its sender hears everything after', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    let heardBefore: string[] = []
    const answered = new Promise<{ turnId: string; chatSessionId: string }>((resolve) => {
      viewer.emit(
        'chat:send',
        { content: 'Go.', messageId: 'm1' },
        (answer: { turnId: string; chatSessionId: string }) => {
          heardBefore = viewer.heard
            .map(({ name }) => name)
            .filter((name) => !/^(welcome|drone:|commands:|catalog)/.test(name))
          resolve(answer)
        },
      )
    })
    const order = await drone.order()
    await drone.voice(order).response('at once').complete()
    const { turnId } = await answered
    expect(heardBefore).to.deep.equal([])
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('at once')
    expect(viewer.all('resumed')).to.deep.equal([])
    expect(viewer.faults).to.deep.equal([])
  })

  it('[VW7] sent again gets its first answer, one turn, and no other session', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const message = { content: 'Go.', messageId: 'the same' }
    const many = await Promise.all(Array.from({ length: 8 }, () => viewer.ask('chat:send', message)))
    expect(many.map(({ ok }) => ok)).to.deep.equal(many.map(() => true))
    expect(new Set(many.map(({ turnId }) => turnId)).size).to.equal(1)
    expect(new Set(many.map(({ chatSessionId }) => chatSessionId)).size).to.equal(1)
    await drone.voice(await drone.order()).complete()
    const again = await bench().viewer()
    const last = await again.ask('chat:send', { ...message, content: 'Something else.' })
    expect(last).to.include({ ok: true, turnId: many[0]?.['turnId'], status: 'finished' })
    expect(again.all('turn:started')).to.deep.equal([])
    expect(drone.orders).to.have.lengthOf(1)
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect((await stranger.ask('chat:send', message))['turnId']).to.not.equal(many[0]?.['turnId'])
  })

  it('[VW7] in a session with a live turn is refused, and can be sent again when that has ended', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send()
    const refused = await viewer.ask('chat:send', { chatSessionId, content: 'And?', messageId: 'm2' })
    expect(refused.error).to.deep.include({ code: 'turn_in_progress', retryable: true, details: { turnId } })
    await drone.voice(await drone.order()).complete()
    await viewer.ended(turnId)
    expect(await viewer.ask('chat:send', { chatSessionId, content: 'And?', messageId: 'm2' })).to.include({
      ok: true,
    })
  })

  it('[VW8] without a fitting drone waits, and starts when one comes', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const elsewhere = await bench().drone({ name: 'elsewhere', workspaceId: 'w2' })
    const strangers = await bench().drone({}, await bench().relay.keyOf('drone', 'bob'))
    const { turnId, status } = await viewer.send('Go.', { workspaceId: 'w1' })
    expect(status).to.equal('queued')
    expect((await viewer.status(turnId, 'queued')).waitingFor).to.equal('drone')
    const fitting = await bench().drone()
    await fitting
      .voice(await fitting.order())
      .response('here')
      .complete()
    await viewer.ended(turnId)
    const told = viewer.heard.map(({ name }) => name).filter((name) => /^(turn:|response)/.test(name))
    expect(told).to.deep.equal(['turn:status', 'turn:started', 'response', 'turn:status'])
    expect([...elsewhere.orders, ...strangers.orders]).to.deep.equal([])
  })

  it('[VW8] goes to a drone that fits: the one named, with the agent and the model asked for, and room', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const plain = await bench().drone({ droneId: 'd1' })
    const able = await bench().drone({
      droneId: 'd2',
      agents: ['opencode'],
      models: [{ id: 'big' }],
      capacity: 2,
    })
    await viewer.send('1', { agent: 'opencode', model: 'big' })
    await viewer.send('2', { droneId: 'd2' })
    const third = await viewer.send('3', { droneId: 'd2' })
    expect(third.status).to.equal('queued')
    await able.order(2)
    expect(able.orders.map(({ prompt }) => prompt)).to.deep.equal(['1', '2'])
    expect(able.orders[0]).to.include({ agent: 'opencode', model: 'big' })
    expect(plain.orders).to.deep.equal([])
    await able.voice(await able.order(1)).complete()
    expect((await able.order(3)).prompt).to.equal('3')
  })

  it('[CS6] is refused with what is offered where it asks for something else, and waits while nobody can say', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const early = await viewer.send('0', { model: 'huge', workspaceId: 'elsewhere' })
    expect(early.status).to.equal('queued')
    const offers = { models: [{ id: 'big' }], thinkingLevels: ['low'], agents: ['opencode'] }
    await bench().drone({ droneId: 'd1', ...offers })
    for (const [field, allowed] of [
      ['model', ['big']],
      ['thinkingLevel', ['low']],
      ['agent', ['opencode']],
    ] as const) {
      const { error } = await viewer.send('1', { [field]: 'huge' })
      expect(error, field).to.deep.include({ code: 'invalid_payload', details: { allowed } })
      const queued = { messageId: `q ${field}`, content: '2', [field]: 'huge' }
      const asked = await viewer.ask('chat:queue', queued)
      expect(asked.error, field).to.deep.include({ code: 'invalid_payload', details: { allowed } })
    }
    expect((await viewer.send('3', { model: 'big', thinkingLevel: 'low' })).ok).to.equal(true)
  })

  it('[VW8] stays with the drone of its session while that is there', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const first = await bench().drone({ droneId: 'd1' })
    const { chatSessionId } = await viewer.send('1', { droneId: 'd1' })
    await bench().drone({ droneId: 'd0' })
    for (let turn = 2; turn <= 4; turn++) {
      const order = await first.order(turn - 1)
      await first.voice(order).complete()
      await viewer.ended(order.turnId)
      await viewer.send(`${turn}`, { chatSessionId })
    }
    await first.order(4)
  })

  it("[SE9] to somebody else's session is answered as if that were not there, and lets nobody in", async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send()
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const asked = ['session:join', 'abort', 'chat:send'].map((name) =>
      stranger.ask(name, { chatSessionId, content: 'x', messageId: `m ${name}` }),
    )
    for (const { error } of await Promise.all(asked)) expect(error?.code).to.equal('not_found')
    const absent = await stranger.ask('session:join', { chatSessionId: 'nowhere' })
    expect(absent.error?.code).to.equal('not_found')
    await drone
      .voice(await drone.order())
      .response('secret')
      .complete()
    await viewer.ended(turnId)
    await stranger.ask('session:list', {})
    expect(stranger.heard.map(({ name }) => name)).to.deep.equal(['welcome', 'commands:manifest', 'catalog'])
  })

  it('[SE10] needs a code key: a watch key sees everything and changes nothing', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send()
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    expect((await watcher.send()).error?.code).to.equal('forbidden')
    expect((await watcher.ask('abort', { chatSessionId })).error?.code).to.equal('forbidden')
    expect((await watcher.ask('retry', { turnId })).error?.code).to.equal('forbidden')
    await watcher.join(chatSessionId)
    await drone
      .voice(await drone.order())
      .response('seen')
      .complete()
    await watcher.ended(turnId)
    expect(watcher.text(turnId)).to.equal('seen')
  })
})
