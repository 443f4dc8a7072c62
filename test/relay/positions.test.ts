import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const { turnId } = await viewer.send()
  const order = await drone.order()
  return { drone, viewer, turnId, order, voice: drone.voice(order) }
}

onEveryStore('A position', (bench) => {
  it('[DR4] that leaves a gap is answered with one rewind, and nothing of it is applied', async () => {
    const { drone, viewer, turnId, order, voice } = await atWork(bench())
    voice.response('0123456789')
    voice.from(20).response('x').response('y').response('z')
    await drone.handled()
    expect(drone.all('rewind')).to.deep.equal([[{ ...order, lane: '', offset: 10 }].map(place)])
    voice.from(10).response('abcdefghij')
    voice.from(30).response('x').response('y')
    await drone.handled()
    expect(drone.all('rewind').map(([at]) => (at as { offset: number }).offset)).to.deep.equal([10, 20])
    voice.from(20).response('!')
    await voice.complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('0123456789abcdefghij!')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[DR4] has its own gap in every lane', async () => {
    const { drone, voice } = await atWork(bench())
    voice.from(5).response('a').from(7, 'a1').response('b', 'a1').response('c').response('d', 'a1')
    await drone.handled()
    const rewinds = drone.all('rewind').map(([at]) => at as { lane: string; offset: number })
    expect(rewinds.map(({ lane, offset }) => [lane, offset])).to.deep.equal([
      ['', 0],
      ['a1', 0],
    ])
  })

  it('[DR5] said again, or overlapping what is held, adds only what is new', async () => {
    const { viewer, turnId, voice } = await atWork(bench())
    voice.response('Hello').from(0).response('Hello').from(2).response('llo, world').call('c1')
    voice.from(12).call('c1').result('c1', 'ok').from(0).response('Hello, world')
    voice.from(14).response('.')
    await voice.complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('Hello, world[c1](c1).')
    expect((await bench().turn(turnId)).heads).to.deep.equal([{ lane: '', offset: 15 }])
    expect(viewer.faults).to.deep.equal([])
  })

  it('[DR5] of empty text is ignored', async () => {
    const { drone, turnId, voice } = await atWork(bench())
    voice.response('').response('', 'nobody').response('a').response('')
    await voice.complete()
    expect(drone.errors()).to.deep.equal([])
    expect((await bench().turn(turnId)).heads).to.deep.equal([{ lane: '', offset: 1 }])
  })

  it("[DR6] of a turn that is over, nobody knows, or is somebody else's is fenced", async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    const other = await bench().drone({ name: 'other', workspaceId: 'w2' })
    other.voice({ turnId, attempt: 1 }).response('mine!')
    expect((await other.error('fenced')).at).to.include({ turnId, attempt: 1, offset: 0 })
    await voice.response('done').complete()
    voice.response(' and more')
    expect((await drone.error('fenced')).at).to.include({ turnId, offset: 4 })
    drone.voice({ turnId: 'unknown', attempt: 1 }).response('?')
    await drone.until('both', () => drone.errors().length === 2)
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('done')
  })

  it('[DR6] of an attempt that has not begun is an invalid payload', async () => {
    const { drone, viewer, turnId, order, voice } = await atWork(bench())
    drone.voice({ ...order, attempt: 2 }).response('early')
    expect((await drone.error('invalid_payload')).at).to.include({ turnId, attempt: 2 })
    await voice.response('in time').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('in time')
  })

  it('[DR7] inside a surrogate pair waits for its partner, and is checkpointed with it', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    const [high, low] = ['\ud83d', '\ude00']
    voice.response(`a${high}`)
    await drone.checkpoint(1)
    await viewer.untilText(turnId, 'a')
    voice.response(`${low}b`)
    await drone.checkpoint(4)
    expect(drone.checkpoints()).to.not.include(2)
    await viewer.untilText(turnId, 'a😀b')
    const heard = viewer.all('response').map(([text]) => String(text))
    expect(heard.every((text) => text.isWellFormed())).to.equal(true)
    await voice.complete()
    expect((await bench().turn(turnId)).blocks[0]?.content).to.equal('a😀b')
    const late = await bench().viewer()
    await late.join((await bench().turn(turnId)).chatSessionId)
    await late.resumed()
    expect(late.text(turnId)).to.equal('a😀b')
  })

  it('[DR7] that stays alone becomes U+FFFD where its block ends', async () => {
    const { viewer, turnId, voice } = await atWork(bench())
    voice.thinking('a\ud83d').response('b\ud83d').call('c1').response('c\ud83d')
    await voice.complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('a\ufffdb\ufffd[c1]c\ufffd')
    const { blocks, heads } = await bench().turn(turnId)
    expect(
      blocks.map(({ content }) => content).filter((content) => typeof content === 'string'),
    ).to.deep.equal(['a\ufffd', 'b\ufffd', 'c\ufffd'])
    expect(heads).to.deep.equal(voice.heads())
    expect(viewer.faults).to.deep.equal([])
  })
})

function place({
  turnId,
  attempt,
  lane,
  offset,
}: {
  turnId: string
  attempt: number
  lane: string
  offset: number
}) {
  return { turnId, attempt, lane, offset }
}
