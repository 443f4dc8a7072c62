import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { ChunkWriter, numbersOf, numbersOfAll, termsOf } from '../../src/search/chunks.ts'
import { lookUp } from '../../src/search/lookup.ts'
import { Segments } from '../../src/search/segments.ts'
import type { ChunkPlace } from '../../src/search/search-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryIndex } from '../support/memory-index.ts'
import { until } from '../support/until.ts'

const USER = 'ann'
/** Longer than anybody may read or write what is not listed. */
const LONG_MS = 600_000

function segmentsOf(store: MemoryIndex, clock = new FakeClock(), isClosed = () => false): Segments {
  return new Segments({ store: store as never, clock, isClosed })
}

async function numbersWith(store: MemoryIndex, term: string, isPrefix = false): Promise<readonly number[]> {
  const { numbers } = await lookUp(store, USER, [{ term, isPrefix }])
  return numbers[0] ?? []
}

function chunksListed(store: MemoryIndex): number {
  const { segments = [] } = store.lists.get(USER) ?? {}
  // And the one that says where they begin.
  return segments.reduce((sum, { chunks }) => sum + chunks + 1, 0)
}

/** Turns of a number, each with some words of a few and some that are long and its own, so that segments have chunks. */
function turnWith(number: number, common: readonly number[], own: number): [number, string[]] {
  const ownWords = Array.from({ length: own }, (_, index) => `own${number}x${index}`.padEnd(60, 'é'))
  return [number, [...new Set(common.map((word) => `word${word}`)), ...ownWords]]
}

function indexOf(turns: readonly [number, string[]][]): Map<string, number[]> {
  const index = new Map<string, number[]>()
  for (const [number, terms] of turns)
    for (const term of terms) index.set(term, [...(index.get(term) ?? []), number])
  return index
}

describe('the chunks of the search index', () => {
  it('[FT6] give back terms and numbers as they were given', () => {
    const numbersGiven = fc.uniqueArray(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 300 })
    const given = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), numbersGiven), {
      selector: ([term]) => term,
    })
    fc.assert(
      fc.property(given, (terms) => {
        const sorted = terms.map(([term, numbers]) => ({ term, numbers: numbers.toSorted((a, b) => a - b) }))
        const writer = new ChunkWriter()
        for (const { term, numbers } of sorted) writer.add(term, numbers)
        const bytes = writer.take()?.bytes ?? new Uint8Array()
        const copied = new ChunkWriter()
        for (const stored of termsOf(bytes)) copied.copy(stored)
        for (const each of [bytes, copied.take()?.bytes ?? new Uint8Array()])
          expect(
            [...termsOf(each)].map(({ term, numberBytes }) => ({ term, numbers: numbersOf(numberBytes) })),
          ).to.deep.equal(sorted)
      }),
    )
  })

  it('[FT6] join the numbers of several places, whatever their order, each once', () => {
    const bytes = (...numbers: number[]): Uint8Array => {
      const writer = new ChunkWriter()
      writer.add('a', numbers)
      return [...termsOf(writer.take()?.bytes ?? new Uint8Array())][0]?.numberBytes ?? new Uint8Array()
    }
    expect(numbersOfAll([])).to.deep.equal([])
    expect(numbersOfAll([bytes(7, 9), bytes(0, 3)])).to.deep.equal([0, 3, 7, 9])
    expect(numbersOfAll([bytes(0, 7, 9), bytes(3, 7)])).to.deep.equal([0, 3, 7, 9])
  })

  it('[FT6] that were cut off are an error and no endless reading', () => {
    const writer = new ChunkWriter()
    writer.add('term', [1, 300])
    const bytes = writer.take()?.bytes ?? new Uint8Array()
    for (const stored of termsOf(bytes.subarray(0, -1)))
      expect(() => numbersOf(stored.numberBytes)).to.throw(RangeError)
    expect(() => [...termsOf(Uint8Array.of(0x80))]).to.throw(RangeError)
  })
})

describe('the segments of the search index', () => {
  it('[FT6] are few, however many turns come one by one, and each finds what it should', async () => {
    const store = new MemoryIndex()
    const segments = segmentsOf(store)
    const turns = Array.from({ length: 300 }, (_, number) => turnWith(number, [number % 3, number % 50], 3))
    for (const turn of turns) {
      await segments.add(USER, 1, indexOf([turn]))
      await segments.tidy(USER)
    }
    const { segments: listed = [], unlisted = [] } = store.lists.get(USER) ?? {}
    expect(unlisted.length).to.be.lessThan(10)
    expect(listed.length).to.be.lessThanOrEqual(3 * 5)
    expect(listed.reduce((sum, segment) => sum + segment.turns, 0)).to.equal(turns.length)
    const index = indexOf(turns)
    for (const term of ['word0', 'word7', turns[299]?.[1][2] ?? '', turns[0]?.[1][2] ?? ''])
      expect(await numbersWith(store, term), term).to.deep.equal([...new Set(index.get(term))])
    expect(await numbersWith(store, 'own7', true)).to.deep.equal([7, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79])
    expect(await numbersWith(store, 'nothing')).to.deep.equal([])
    expect(await numbersWith(store, 'zzz', true)).to.deep.equal([])
  })

  it('[FT6] have every term that was added, whoever dies or merges the same, and keep no chunk for ever', async () => {
    const batch = fc.array(fc.tuple(fc.array(fc.nat({ max: 20 }), { maxLength: 4 }), fc.nat({ max: 90 })), {
      minLength: 1,
      maxLength: 5,
    })
    const history = fc.array(fc.record({ batch, diesAt: fc.option(fc.nat({ max: 40 })), pauses: fc.nat() }), {
      minLength: 1,
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const clock = new FakeClock()
        let calls = 0
        let diesAt: number | undefined
        let pauses = 0
        const store = new MemoryIndex(async () => {
          calls += 1
          pauses = (pauses * 1_103_515_245 + 12_345) % 2 ** 31
          if (pauses % 3 === 0) await setImmediate()
          if (diesAt !== undefined && calls >= diesAt) throw new Error('died')
        })
        let [one, other] = [segmentsOf(store, clock), segmentsOf(store, clock)]
        const turns: [number, string[]][] = []
        for (const step of steps) {
          const added = step.batch.map(([common, own], index) => turnWith(turns.length + index, common, own))
          turns.push(...added)
          diesAt = step.diesAt === null ? undefined : calls + step.diesAt
          pauses = step.pauses
          const both = [
            one.add(USER, added.length, indexOf(added)).then(() => one.tidy(USER)),
            other.tidy(USER),
          ]
          const ended = await Promise.allSettled(both)
          diesAt = undefined
          if (ended[0]?.status === 'rejected') {
            // It begins anew, and what it was at is given again.
            ;[one, other] = [segmentsOf(store, clock), segmentsOf(store, clock)]
            await one.add(USER, added.length, indexOf(added))
          }
        }
        const index = indexOf(turns)
        for (const [term, numbers] of index)
          expect(await numbersWith(store, term), term).to.deep.equal([...new Set(numbers)])
        await one.tidy(USER)
        clock.pass(LONG_MS)
        await one.tidy(USER)
        expect(store.kept.size).to.equal(chunksListed(store))
        for (const [term, numbers] of index)
          expect(await numbersWith(store, term), term).to.deep.equal([...new Set(numbers)])
      }),
      { numRuns: 30 },
    )
  })

  it('[FT6] that are merged while somebody looks there are looked up anew', async () => {
    const store = new MemoryIndex()
    const segments = segmentsOf(store)
    for (let number = 0; number < 4; number++) await segments.add(USER, 1, new Map([['disk', [number]]]))
    let reads = 0
    const looked = {
      segments: store.segments.bind(store),
      chunks: async (places: readonly ChunkPlace[]) => {
        if (places.length > 0 && reads++ === 0) await segments.tidy(USER)
        return store.chunks(places)
      },
    }
    const { numbers } = await lookUp(looked, USER, [{ term: 'disk', isPrefix: false }])
    expect(numbers).to.deep.equal([[0, 1, 2, 3]])
    expect(store.lists.get(USER)?.segments).to.have.length(1)
  })

  it('[FT6] are not there twice where two processes merge the same', async () => {
    const store = new MemoryIndex(() => setImmediate())
    const [one, other] = [segmentsOf(store), segmentsOf(store)]
    for (let number = 0; number < 4; number++) await one.add(USER, 1, new Map([['disk', [number]]]))
    await Promise.all([one.tidy(USER), other.tidy(USER)])
    expect(store.lists.get(USER)?.segments).to.have.length(1)
    expect(await numbersWith(store, 'disk')).to.deep.equal([0, 1, 2, 3])
  })

  it('[FT6] that count as given up are not listed by whoever comes back to them', async () => {
    const clock = new FakeClock()
    let held: (() => void) | undefined
    let holds = false
    const store = new MemoryIndex(() =>
      holds ? new Promise((resolve) => (held = resolve)) : Promise.resolve(),
    )
    const slow = segmentsOf(store, clock)
    const other = segmentsOf(store, clock)
    await other.add(USER, 1, new Map([['first', [0]]]))
    const put = store.putChunks.bind(store)
    store.putChunks = async (...args) => {
      holds = true
      await put(...args)
    }
    const added = slow.add(USER, 1, new Map([['second', [1]]])).catch((error: unknown) => error)
    await until('it is being written', 10_000, () => held !== undefined)
    holds = false
    store.putChunks = put
    await other.tidy(USER)
    clock.pass(LONG_MS)
    await other.tidy(USER)
    held?.()
    expect(await added).to.have.property('code', 'store_unavailable')
    expect(await numbersWith(store, 'second')).to.deep.equal([])
    expect(await numbersWith(store, 'first')).to.deep.equal([0])
  })

  it('[FT6] leave out what was written long ago where too many words begin so, and say it', async () => {
    const store = new MemoryIndex()
    const segments = segmentsOf(store)
    const words = Array.from({ length: 80_000 }, (_, index) => `perm${String(index).padStart(60, '0')}`)
    await segments.add(USER, 1, new Map(words.map((word) => [word, [0]])))
    await segments.add(USER, 1, new Map(words.map((word) => [word, [1]])))
    const { numbers, partial } = await lookUp(store, USER, [{ term: 'perm', isPrefix: true }])
    expect(partial).to.equal(true)
    expect(numbers).to.deep.equal([[1]])
    expect((await lookUp(store, USER, [{ term: words[5] ?? '', isPrefix: true }])).partial).to.equal(false)
  })
})
