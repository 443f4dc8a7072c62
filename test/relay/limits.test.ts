import { expect } from 'chai'
import { holdCommits } from '../support/gated-store.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

async function atWork(bench: Bench) {
  await bench.start({ textUnits: '1024', toolBytes: '2048' })
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const { turnId } = await viewer.send()
  return { drone, viewer, turnId, voice: drone.voice(await drone.order()) }
}

onEveryStore('A limit', (bench) => {
  it('[DR11] on text refuses what is longer, and its offset stays free', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    expect(drone.welcomed.limits).to.include({ textUnits: 1024, toolBytes: 2048 })
    voice.response('a'.repeat(1024)).response('b'.repeat(1025))
    expect(await drone.error('payload_too_large')).to.deep.include({
      event: 'response',
      at: { turnId, attempt: 1, offset: 1024 },
      retryable: false,
    })
    await voice.from(1024).response('c').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal(`${'a'.repeat(1024)}c`)
    expect(viewer.faults).to.deep.equal([])
  })

  it('[DR11] on tool entries counts the bytes of all that a call carries', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    const over = [
      { params: 'é'.repeat(1025) },
      { params: 'x'.repeat(1025), response: 'y'.repeat(1024) },
      { detail: { title: 'z'.repeat(2048) } },
    ]
    for (const more of over) voice.from(0).call('c1', { params: '', ...more })
    voice.from(0).result('c1', 'r'.repeat(2049))
    await drone.until('four refusals', () => drone.errors().length === 4)
    expect(drone.errors().map(({ code }) => code)).to.deep.equal(Array(4).fill('payload_too_large'))
    await voice
      .from(0)
      .call('c1', { params: 'é'.repeat(1024), truncated: true })
      .complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('[c1]')
    expect((await bench().turn(turnId)).toolCalls[0]).to.include({ truncated: true })
  })

  it('[DR11] on what is said after a refused entry holds too: it is a gap until the entry is replaced', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    voice.response('b'.repeat(1025)).response('after')
    await drone.error('payload_too_large')
    const [at] = await drone.event('rewind')
    expect(at).to.include({ turnId, lane: '', offset: 0 })
    await voice.from(0).response('short').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('short')
  })

  it('[DR11] on a packet costs its sender the connection, and its turn nothing', async () => {
    await bench().start({ eventBytes: '65536' })
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order()).response('before ')
    await drone.checkpoint(7)
    drone.emit('log', null, null, null, 'x'.repeat(70_000))
    await drone.until('the disconnect', () => drone.disconnectedFor)
    const back = await bench().drone()
    await back.voice(voice.place).from(7).response('and after').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('before and after')
  })

  it('[DR12] on what is not stored drops what is past it, and asks for it again when there is room', async () => {
    const { store } = await bench().start({ windowBytes: '2048' })
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    await viewer.event('turn:started')
    const open = holdCommits(store)
    const pieces = Array.from({ length: 120 }, (_, number) => `${number} ${'x'.repeat(60)} `)
    for (const piece of pieces) voice.response(piece)
    await drone.handled()
    expect(drone.all('rewind')).to.deep.equal([])
    open()
    const [at] = (await drone.event('rewind')) as [{ lane: string; offset: number }]
    const said = pieces.join('')
    expect(at.offset).to.be.within(1, said.length - 1)
    voice.from(at.offset).response(said.slice(at.offset))
    expect(await voice.complete()).to.include({ ok: true, status: 'finished' })
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal(said)
    expect(viewer.faults).to.deep.equal([])
    expect(drone.errors()).to.deep.equal([])
  })
})
