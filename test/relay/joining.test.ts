import { expect } from 'chai'
import { RelayError } from '../../src/protocol/errors.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import { holdNext } from '../support/gated-store.ts'

async function atWork(bench: Bench, options = {}) {
  await bench.start(options)
  const [drone, sender] = [await bench.drone(), await bench.viewer()]
  const sent = await sender.send()
  return { drone, sender, ...sent, voice: drone.voice(await drone.order()) }
}

/** What a client hears of its user's drones and sessions, whatever it watches. */
const OF_THE_USER = new Set(['drone:changed', 'session:statusChanged'])

onEveryStore('A viewer who joins', (bench) => {
  it('[VW1] without a cursor gets the live turn from its beginning, then resumed, then what is live', async () => {
    const { drone, turnId, chatSessionId, voice } = await atWork(bench())
    voice.thinking('hm').call('c1').result('c1', 'ok').response('so far', 'a1').response('so far')
    await drone.checkpoint(10)
    await drone.checkpoint(6, 'a1')
    const viewer = await bench().viewer()
    const answer = await viewer.join(chatSessionId)
    expect(answer.turns[0]).to.include({ turnId, attempt: 1, status: 'processing', prompt: 'Do it.' })
    expect(answer.resume).to.deep.equal([
      { turnId, attempt: 1, lane: '', from: 0 },
      { turnId, attempt: 1, lane: 'a1', from: 0 },
    ])
    expect(answer.session).to.include({ chatSessionId, status: 'processing', liveTurnId: turnId })
    const { heads } = await viewer.resumed()
    expect(heads).to.deep.equal([
      { turnId, attempt: 1, lane: '', offset: 10 },
      { turnId, attempt: 1, lane: 'a1', offset: 6 },
    ])
    expect(viewer.text(turnId)).to.equal('hm[c1](c1)so far')
    voice.response(', and on')
    await viewer.untilText(turnId, 'hm[c1](c1)so far, and on')
    expect(viewer.faults).to.deep.equal([])
  })

  for (const [how, error] of [
    ['fails late', new RelayError('store_unavailable', 'The answer came too late.')],
    ['could be answered late', undefined],
  ] as const) {
    it(`[VW23] and whose earlier join ${how} is brought up all the same`, async () => {
      const { chatSessionId, turnId, voice } = await atWork(bench(), { joinEveryMs: '0' })
      const held = holdNext(bench().relay.store, 'turnsOfSession')
      const viewer = await bench().viewer()
      const early = viewer.ask('session:join', { chatSessionId })
      await held.reached
      await viewer.join(chatSessionId)
      held.goOn(error)
      expect((await early).error?.code).to.equal(error?.code ?? 'superseded')
      voice.response('heard')
      await viewer.untilText(turnId, 'heard')
      await viewer.resumed()
      expect(viewer.faults).to.deep.equal([])
    })
  }

  it('[VW23] gets what its answer promised, whenever an earlier join is only begun', async () => {
    const { drone, chatSessionId, turnId, voice } = await atWork(bench(), { joinEveryMs: '0' })
    voice.response('before')
    await drone.checkpoint(6)
    const { store } = bench().relay
    const begin = holdNext(store, 'readSession')
    const viewer = await bench().viewer()
    const early = viewer.ask('session:join', { chatSessionId })
    await begin.reached
    const bringUp = holdNext(store, 'readTurn')
    await viewer.join(chatSessionId)
    await bringUp.reached
    begin.goOn()
    expect((await early).error?.code).to.equal('superseded')
    bringUp.goOn()
    await viewer.untilText(turnId, 'before')
    await viewer.resumed()
    expect(viewer.faults).to.deep.equal([])
  })

  it('[VW1] without a cursor, when nothing is live, gets the last turn', async () => {
    const { drone, sender, chatSessionId, voice } = await atWork(bench())
    await voice.response('first').complete()
    const { turnId } = await sender.send('Again.', { chatSessionId })
    await drone
      .voice(await drone.order(2))
      .response('second')
      .complete()
    const viewer = await bench().viewer()
    const answer = await viewer.join(chatSessionId)
    await viewer.resumed()
    expect(answer.turns).to.have.lengthOf(1)
    expect(answer.turns[0]).to.deep.include({ turnId, status: 'finished', heads: [{ lane: '', offset: 6 }] })
    expect(answer.session.status).to.equal('idle')
    expect(viewer.text(turnId)).to.equal('second')
  })

  it('[VW2] with a cursor gets what comes after it, and nothing twice', async () => {
    const { drone, turnId, chatSessionId, voice } = await atWork(bench())
    voice.response('0123456789').call('c1').response('abc')
    await drone.checkpoint(14)
    for (const [offset, rest] of [
      [0, '0123456789[c1]abc'],
      [4, '456789[c1]abc'],
      [10, '[c1]abc'],
      [11, 'abc'],
      [14, ''],
    ] as const) {
      const viewer = await bench().viewer()
      const answer = await viewer.join(chatSessionId, [{ turnId, attempt: 1, offset }])
      expect(answer.resume).to.deep.equal([{ turnId, attempt: 1, lane: '', from: offset }])
      await viewer.resumed()
      const heard = viewer.heard.filter(({ name }) => ['response', 'toolCall'].includes(name))
      expect(heard.map(({ name, args }) => (name === 'toolCall' ? '[c1]' : args[0])).join('')).to.equal(rest)
      viewer.close()
    }
  })

  it('[VW3] with a cursor of an older attempt begins the present one anew', async () => {
    const { drone, turnId, chatSessionId, voice } = await atWork(bench())
    voice.response('first try')
    await drone.checkpoint(9)
    const again = await bench().drone({ instanceId: 'i2' })
    again.voice(await again.attempt(2)).response('second')
    await again.checkpoint(6)
    const viewer = await bench().viewer()
    const answer = await viewer.join(chatSessionId, [{ turnId, attempt: 1, lane: '', offset: 9 }])
    expect(answer.resume).to.deep.equal([{ turnId, attempt: 2, lane: '', from: 0, reason: 'older_attempt' }])
    await viewer.resumed()
    expect(viewer.text(turnId)).to.equal('second')
    const back = await bench().turn(turnId, 1)
    expect([back.attempt, back.blocks[0]?.content]).to.deep.equal([1, 'first try'])
  })

  it('[VW4] with a cursor ahead is cut back to what there is', async () => {
    const { turnId, chatSessionId, voice, sender } = await atWork(bench())
    voice.response('01234')
    await sender.untilText(turnId, '01234')
    const viewer = await bench().viewer()
    const cursors = [
      { turnId, attempt: 1, lane: '', offset: 9 },
      { turnId, attempt: 1, lane: 'never', offset: 3 },
    ]
    const answer = await viewer.join(chatSessionId, cursors)
    expect(answer.resume).to.deep.equal([
      { turnId, attempt: 1, lane: '', from: 5, reason: 'ahead' },
      { turnId, attempt: 1, lane: 'never', from: 0, reason: 'ahead' },
    ])
    const later = await bench().viewer()
    const { resume } = await later.join(chatSessionId, [{ turnId, attempt: 3, offset: 2 }])
    expect(resume).to.deep.equal([{ turnId, attempt: 1, lane: '', from: 0, reason: 'ahead' }])
  })

  it("[VW5] with the cursor of a turn that nobody knows is told so, and of somebody else's alike", async () => {
    const { turnId, chatSessionId } = await atWork(bench())
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const foreign = await bob.send('Mine.')
    const viewer = await bench().viewer()
    for (const unknown of ['nobody_knows', foreign.turnId]) {
      const answer = await viewer.join(chatSessionId, [{ turnId: unknown, attempt: 1, offset: 5 }])
      expect(answer.resume).to.deep.equal([
        { turnId, attempt: 1, lane: '', from: 0 },
        { turnId: unknown, attempt: 1, lane: '', from: 0, reason: 'unknown' },
      ])
    }
  })

  it('[VW9] and leaves hears no more, while others do', async () => {
    const { drone, sender, turnId, chatSessionId, voice } = await atWork(bench())
    const viewer = await bench().viewer()
    await viewer.join(chatSessionId)
    voice.response('one')
    await viewer.untilText(turnId, 'one')
    expect(await viewer.ask('session:leave', { chatSessionId })).to.deep.equal({ ok: true })
    const heard = viewer.heard.length
    await voice.response(' two').complete()
    await sender.ended(turnId)
    await viewer.ask('session:list', {})
    expect(viewer.heard.slice(heard).filter(({ name }) => !OF_THE_USER.has(name))).to.deep.equal([])
    expect(drone.errors()).to.deep.equal([])
    expect(await viewer.ask('session:leave', { chatSessionId: 'nowhere' })).to.deep.equal({ ok: true })
  })

  it('[VW9] again while it is live goes on without a gap or a repeat', async () => {
    const { turnId, chatSessionId, voice, sender } = await atWork(bench())
    const viewer = await bench().viewer()
    let said = ''
    for (let round = 0; round < 12; round++) {
      const joined = viewer.join(chatSessionId)
      for (let piece = 0; piece < 5; piece++) {
        const text = `${round}.${piece} `
        said += text
        voice.response(text)
      }
      await joined
    }
    await voice.complete()
    await viewer.ended(turnId)
    await sender.ended(turnId)
    expect([viewer.text(turnId), sender.text(turnId)]).to.deep.equal([said, said])
    expect(viewer.faults).to.deep.equal([])
  })

  it('[VW9] with much to catch up on misses nothing that is said meanwhile', async () => {
    const { drone, turnId, chatSessionId, voice } = await atWork(bench())
    let said = ''
    const say = (text: string): void => {
      said += text
      voice.response(text)
    }
    for (let piece = 0; piece < 40; piece++) say(`${piece}${'x'.repeat(30_000)}`)
    await drone.checkpoint(voice.length())
    const viewers = await Promise.all([bench().viewer(), bench().viewer(), bench().viewer()])
    const joined = Promise.all(viewers.map((viewer) => viewer.join(chatSessionId)))
    const resumed = Promise.all(viewers.map((viewer) => viewer.resumed()))
    const isCaughtUp = (): boolean => viewers.every((viewer) => viewer.all('resumed').length > 0)
    for (let piece = 0; !isCaughtUp() || piece < 50; piece++) {
      say(`${piece} `)
      await drone.handled()
    }
    await Promise.all([joined, resumed])
    await voice.complete()
    for (const viewer of viewers) {
      await viewer.ended(turnId)
      expect(viewer.text(turnId) === said).to.equal(true)
      expect(viewer.faults).to.deep.equal([])
    }
  })
})
