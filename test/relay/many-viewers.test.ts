import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import { seeded } from '../support/seeded.ts'

const VIEWERS = 50
const PIECES = 400

onEveryStore('A turn and its viewers', (bench) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)

  it(`[VW13] ends alike for fifty who join and join again at any moment (SEED=${seed})`, async () => {
    const random = seeded(seed)
    await bench().start()
    const [drone, sender] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await sender.send()
    const voice = drone.voice(await drone.order())
    const viewers = await Promise.all(Array.from({ length: VIEWERS }, () => bench().viewer()))
    const joins = new Map<number, typeof viewers>()
    for (const viewer of viewers) {
      for (const moment of [random(), random()]
        .map((part) => Math.floor(part * PIECES))
        .toSorted((a, b) => a - b)) {
        joins.set(moment, [...(joins.get(moment) ?? []), viewer])
      }
    }
    const joining = new Map<unknown, Promise<unknown>>()
    let said = ''
    for (let piece = 0; piece < PIECES; piece++) {
      for (const viewer of joins.get(piece) ?? []) {
        const before = joining.get(viewer) ?? Promise.resolve()
        joining.set(
          viewer,
          before.then(() => viewer.join(chatSessionId)),
        )
      }
      const text = `${piece}${'😀é '.repeat(Math.floor(random() * 8))}`
      said += text
      if (random() < 0.3) voice.thinking(text)
      else voice.response(text)
      if (random() < 0.2) await drone.handled()
    }
    await Promise.all(joining.values())
    await voice.complete()
    for (const viewer of [...viewers, sender]) {
      await viewer.untilText(turnId, said)
      expect(viewer.faults, `SEED=${seed}`).to.deep.equal([])
    }
    const { blocks } = await bench().turn(turnId)
    expect(blocks.map(({ content }) => (typeof content === 'string' ? content : '')).join('')).to.equal(said)
  })

  it('[VW13] loses nothing of what is said while nobody watches', async () => {
    await bench().start()
    const [drone, sender] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await sender.send()
    const voice = drone.voice(await drone.order()).response('before ')
    await sender.untilText(turnId, 'before ')
    sender.close()
    for (let piece = 0; piece < 100; piece++) voice.response(`${piece} `)
    voice.call('c1').result('c1', 'ok').response('last')
    await drone.checkpoint(voice.length())
    const held = sender.cursors()
    const viewer = await bench().viewer()
    for (const [id, turn] of sender.turns) viewer.turns.set(id, turn)
    const { resume } = await viewer.join(chatSessionId, held)
    expect(resume[0]).to.deep.equal({ turnId, attempt: 1, lane: '', from: 7 })
    await viewer.resumed()
    const said = `before ${Array.from({ length: 100 }, (_, piece) => `${piece} `).join('')}[c1](c1)last`
    expect(viewer.text(turnId)).to.equal(said)
    await voice.complete()
    await viewer.ended(turnId)
    expect(viewer.faults).to.deep.equal([])
  })
})
