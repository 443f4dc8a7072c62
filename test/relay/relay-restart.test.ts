import { expect } from 'chai'
import type { TurnStore } from '../../src/turns/turn-store.ts'
import { around } from '../../scripts/chaos/patch.ts'
import { away } from '../support/away.ts'
import { Bench, onEveryStore } from '../support/bench.ts'
import { CommitGate } from '../support/gated-store.ts'

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const sent = await viewer.send()
  const voice = drone
    .voice(await drone.order())
    .thinking('hm ')
    .response('stored ')
  await drone.checkpoint(10)
  return { drone, viewer, ...sent, voice }
}

onEveryStore('A relay that is restarted', (bench) => {
  it('[RC15] takes a turn up where it is stored: the drone resends the rest, and the viewer goes on', async () => {
    const { viewer, drone, turnId, chatSessionId, voice } = await atWork(bench())
    await bench().restart()
    expect(await viewer.event('draining')).to.have.lengthOf(1)
    expect((await drone.event('draining'))[0]).to.have.property('retryAfterMs')

    const back = await bench().drone()
    expect(back.welcomed.turns).to.deep.equal([
      { turnId, attempt: 1, acknowledged: true, lanes: [{ lane: '', offset: 10 }] },
    ])
    const again = await bench().viewer()
    for (const [id, turn] of viewer.turns) again.turns.set(id, turn)
    const joined = await again.join(chatSessionId)
    expect(joined.turns[0]).to.include({ turnId, status: 'processing', attempt: 1 })
    await back.voice(voice.place).from(3).response('stored and resent').complete()
    await again.ended(turnId)
    expect(again.text(turnId)).to.equal('hm stored and resent')
    expect(again.faults).to.deep.equal([])
    expect((await bench().turn(turnId)).blocks.map(({ content }) => content)).to.deep.equal([
      'hm ',
      'stored and resent',
    ])
  })

  it('[RC15] gives a queued turn, and one that nobody had acknowledged, to the drone that comes', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const offered = await bench().drone()
    offered.acknowledges = false
    const first = await viewer.send('First.')
    await offered.order()
    const second = await viewer.send('Second.')
    expect(second.status).to.equal('queued')
    await bench().restart()
    const back = await bench().drone()
    expect(await back.order()).to.include({ turnId: first.turnId, attempt: 1 })
    await back.voice(await back.order()).complete()
    expect(await back.order(2)).to.include({ turnId: second.turnId, attempt: 1 })
  })

  it('[RC15] keeps a turn as it is while it stops, whatever is on its way', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    drone.acknowledges = false
    const { turnId } = await viewer.send()
    await drone.order()
    await bench().restart()
    expect((await bench().turn(turnId)).status).to.equal('processing')
    expect(bench().relay.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
  })

  it('[RC16] waits for its drones only so long, and then their turns go their way', async () => {
    const { turnId } = await atWork(bench())
    await bench().restart({ graceMs: '100' })
    const viewer = await bench().viewer()
    const { chatSessionId } = await bench().turn(turnId)
    await viewer.join(chatSessionId)
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'failed', attempt: 1 })
    expect((await bench().turn(turnId)).blocks[1]?.content).to.equal('stored ')
  })

  it('[RC16] gives the turn of a drone that comes back as another process its next attempt', async () => {
    const { turnId } = await atWork(bench())
    await bench().restart()
    const back = await bench().drone({ instanceId: 'i2' })
    const order = await back.attempt(2)
    await back.voice(order).response('anew').complete()
    expect((await bench().turn(turnId)).blocks.map(({ content }) => content)).to.deep.equal(['anew'])
  })

  it('[PL10] lets the turn of a plain drone go on as a new attempt that begins with the words stored', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().plain(), await bench().viewer()]
    const { turnId, chatSessionId } = await viewer.send()
    await drone.order()
    drone.emit('thinking', 'hm ')
    drone.emit('response', 'stored')
    drone.emit('toolCall', 'c1', 'read', '{}', 'ok')
    await viewer.untilText(turnId, 'hm stored[c1]')
    await bench().restart()
    const [back, again] = [await bench().plain(), await bench().viewer()]
    expect(back.welcomed.turns[0]).to.include({ turnId, attempt: 2 })
    const joined = await again.join(chatSessionId)
    expect(joined.turns[0]).to.include({ turnId, attempt: 2, incomplete: true })
    back.emit('response', ' and more')
    await back.ask('workOrderComplete', turnId, true)
    await again.ended(turnId)
    expect(again.text(turnId)).to.equal('hm stored[c1] and more')
    const turn = await bench().turn(turnId)
    expect([turn.attempt, turn.incomplete, turn.status]).to.deep.equal([2, true, 'finished'])
    expect(turn.blocks.map(({ mode }) => mode)).to.deep.equal([
      'thinking',
      'responding',
      'tool',
      'responding',
    ])
    expect(back.orders).to.deep.equal([])
    expect(again.faults).to.deep.equal([])
  })

  it('[RC15] remembers a message that was sent before, and answers it as before', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const message = { content: 'Go.', messageId: 'once' }
    const first = await viewer.ask('chat:send', message)
    await bench().restart()
    const again = await (await bench().viewer()).ask('chat:send', message)
    expect(again['turnId']).to.equal(first['turnId'])
  })

  it('[RC19] takes nothing new while it stops, says so, and stores what it has heard', async () => {
    const gate = new CommitGate()
    const { store } = bench()
    const stopping = new Bench({ ...store, open: async () => gate.around(await store.open()) })
    try {
      const { turnId, chatSessionId, viewer, drone, voice } = await atWork(stopping)
      gate.close()
      voice.response('heard')
      await drone.handled()
      const stopped = stopping.relay.stop()
      await viewer.event('draining')
      expect((await viewer.send('More.')).error?.code).to.equal('draining')
      expect((await viewer.ask('retry', { turnId })).error?.code).to.equal('draining')
      expect((await fetch(`${stopping.relay.url}/readyz`)).status).to.equal(503)
      voice.response(' after the last word that is read')
      gate.open()
      await stopped
      await stopping.start()
      const back = await stopping.drone()
      expect(back.welcomed.turns[0]?.lanes).to.deep.equal([{ lane: '', offset: 15 }])
      const again = await stopping.viewer()
      await again.join(chatSessionId)
      await again.untilText(turnId, 'hm stored heard')
    } finally {
      gate.open()
      await stopping.close()
    }
  })

  it('[RC24] has each turn once when its store went away after some were taken over', async () => {
    const { store } = bench()
    let isAway = false
    const failing = (opened: TurnStore): TurnStore =>
      around(opened, {
        readDrone: async (registrationId) => {
          const drone = await opened.readDrone(registrationId)
          if (!isAway) return drone
          isAway = false
          throw away()
        },
      })
    const starting = new Bench({ ...store, open: async () => failing(await store.open()) })
    try {
      await starting.start()
      const [drone, viewer] = [await starting.drone(), await starting.viewer()]
      drone.acknowledges = false
      const { turnId } = await viewer.send()
      await drone.order()
      isAway = true
      await starting.restart()
      expect(isAway).to.equal(false)
      const back = await starting.drone()
      const order = await back.order()
      expect(order).to.include({ turnId, attempt: 1 })
      const voice = back.voice(order).response('said')
      await back.checkpoint(4)
      expect(await voice.complete()).to.include({ ok: true, status: 'finished' })
      expect(back.all('processWorkOrder')).to.have.lengthOf(1)
      expect(back.all('stop')).to.deep.equal([])
      expect(starting.relay.log.lines.some(({ message }) => message.includes('another owner'))).to.equal(
        false,
      )
    } finally {
      await starting.close()
    }
  })

  it('[RC24] begins anew when its store goes away while it takes its turns over', async () => {
    const { store } = bench()
    let failures = 0
    const failing = (opened: TurnStore): TurnStore =>
      around(opened, {
        takeOver: (...args) => (failures > 0 ? Promise.reject(away()) : opened.takeOver(...args)),
        async *unfinishedTurns() {
          for await (const header of opened.unfinishedTurns()) yield header
          if (failures === 0) return
          failures -= 1
          throw away()
        },
      })
    const starting = new Bench({ ...store, open: async () => failing(await store.open()) })
    try {
      const { turnId } = await atWork(starting)
      await starting.relay.stop()
      failures = 2
      await starting.start()
      const back = await starting.drone()
      expect(back.welcomed.turns).to.deep.equal([
        { turnId, attempt: 1, acknowledged: true, lanes: [{ lane: '', offset: 10 }] },
      ])
    } finally {
      await starting.close()
    }
  })
})
