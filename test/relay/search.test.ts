import { expect } from 'chai'
import { RelayError } from '../../src/protocol/errors.ts'
import type { SearchAnswer } from '../../src/protocol/search.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'
import { until } from '../support/until.ts'

/** Longer than the index needs to come after. */
const INDEXED_MS = 10_000

type Asked = SearchAnswer & { ok: boolean; error?: { code: string; message: string } }

async function search(viewer: RawViewer, query: string, more: object = {}): Promise<Asked> {
  return (await viewer.ask('search', { query, ...more })) as unknown as Asked
}

function turnIds({ hits }: SearchAnswer): string[] {
  return hits.map(({ turnId }) => turnId)
}

async function untilFound(viewer: RawViewer, query: string, count = 1): Promise<void> {
  await until(
    `"${query}" is found`,
    INDEXED_MS,
    async () => (await search(viewer, query)).hits.length === count,
  )
}

async function turns(bench: Bench, said: readonly (readonly [string, string])[]) {
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const ids: string[] = []
  for (const [prompt, answer] of said) {
    const { turnId } = await viewer.send(prompt)
    const voice = drone.voice(await drone.order(ids.length + 1))
    await voice.thinking('secretly thinking ').response(answer).complete()
    await viewer.ended(turnId)
    ids.push(turnId)
  }
  return { drone, viewer, ids }
}

onEveryStore('What was said', (bench) => {
  it('[FT1] [FT4] is found by the words of prompts and answers, what ended last first, page by page', async () => {
    await bench().start()
    const { viewer, ids } = await turns(bench(), [
      ['Why is the disk full?', 'The journal of `readTurn` grows.'],
      ['And the other disk?', 'It has room.'],
      ['Thanks.', 'The journal was on that disk.'],
    ])
    await untilFound(viewer, 'disk', 3)
    expect(turnIds(await search(viewer, 'disk'))).to.deep.equal(ids.toReversed())
    const found = await search(viewer, 'DISK journal')
    expect(turnIds(found)).to.deep.equal([ids[2], ids[0]])
    expect(found.hits[0]).to.deep.include({
      chatSessionId: (await bench().turn(ids[2] ?? '')).chatSessionId,
      title: 'Thanks.',
      status: 'finished',
      place: 'response',
      excerpt: 'The journal was on that disk.',
      matches: [
        [4, 11],
        [24, 28],
      ],
    })
    expect(turnIds(await search(viewer, 'readTurn'))).to.deep.equal([ids[0]])
    expect(turnIds(await search(viewer, 'jour*'))).to.deep.equal([ids[2], ids[0]])
    expect(turnIds(await search(viewer, 'secretly'))).to.deep.equal([])

    const first = await search(viewer, 'disk', { limit: 2 })
    expect(turnIds(first)).to.deep.equal([ids[2], ids[1]])
    const second = await search(viewer, 'disk', { limit: 2, after: first.next })
    expect(turnIds(second)).to.deep.equal([ids[0]])
    expect(second).to.not.have.property('next')
    const response = await bench().request('/api/v1/search?query=disk+journal&limit=1')
    expect(await response.json()).to.deep.equal({
      hits: found.hits.slice(0, 1),
      next: String(ids.length - 1),
    })
  })

  it('[FT4] is one’s own: somebody else finds nothing of it, and a watcher all', async () => {
    await bench().start()
    const { viewer } = await turns(bench(), [['Why is the disk full?', 'So.']])
    await untilFound(viewer, 'disk')
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect((await search(bob, 'disk')).hits).to.deep.equal([])
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    expect((await search(watcher, 'disk')).hits).to.have.lengthOf(1)
  })

  it('[FT3] is asked for with words: without any, or with too many, the answer says what to do', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    for (const [query, more] of [
      ['?', {}],
      ['di*', {}],
      [[...Array(17).keys()].join(' '), {}],
      ['x'.repeat(501), {}],
      ['disk', { limit: 51 }],
      ['disk', { after: 'x' }],
    ] as const)
      expect((await search(viewer, query, more)).error?.code, query).to.equal('invalid_payload')
    expect((await bench().request('/api/v1/search?query=?')).status).to.equal(400)
    expect((await bench().request('/api/v1/search?query=disk&limit=many')).status).to.equal(400)
  })

  it('[FT5] gets into the index also where the relay stopped before, or its store was away for a while', async () => {
    await bench().start()
    const { search: index } = bench().relay.store
    let refused = 0
    index.putChunks = () => {
      refused += 1
      return Promise.reject(new RelayError('store_unavailable', 'away'))
    }
    const { viewer } = await turns(bench(), [['Why is the disk full?', 'So.']])
    await until('the index was asked for', INDEXED_MS, () => refused > 0)
    expect((await search(viewer, 'disk')).hits).to.deep.equal([])
    await bench().restart()
    await untilFound(await bench().viewer(), 'disk')
    expect(bench().relay.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
  })

  it('[FT4] is what the turn says now: words of an attempt that was tried again do not find it', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send('Try.')
    await drone
      .voice(await drone.order())
      .response('wrongly said')
      .complete(false, 'no')
    await viewer.ended(turnId)
    await untilFound(viewer, 'wrongly')
    await viewer.ask('retry', { turnId })
    await drone
      .voice(await drone.order(2))
      .response('rightly said')
      .complete()
    await untilFound(viewer, 'rightly')
    expect((await search(viewer, 'wrongly')).hits).to.deep.equal([])
    expect(turnIds(await search(viewer, 'said'))).to.deep.equal([turnId])
  })
})
