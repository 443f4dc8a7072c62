import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { aTurn, batchOf, committed } from '../../support/store-turns.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

export function acceptSearch(under: StoreUnderTest): void {
  describe('the search index', () => {
    it('[FT6] numbers the turns of a user in their order, each once, also after the store was closed', async () => {
      const { search } = under.store
      const [ann, bob] = [randomUUID(), randomUUID()]
      const ids = [randomUUID(), randomUUID(), randomUUID()] as const
      const [first = NaN] = await search.addTurns(ann, [ids[0]])
      const [again, second = NaN] = await search.addTurns(ann, [ids[0], ids[1]])
      await search.addTurns(bob, [ids[2]])
      expect(again).to.equal(first)
      expect(second).to.be.greaterThan(first)
      await under.reopen()
      expect(await under.store.search.addTurns(ann, [ids[0]])).to.deep.equal([first])
      expect(await under.store.search.turnIds(ann, [second, first, 99_999])).to.deep.equal([
        ids[1],
        ids[0],
        undefined,
      ])
    })

    it('[FT6] replaces the list of a user only by one that was made from it', async () => {
      const { search } = under.store
      const [ann, bob] = [randomUUID(), randomUUID()]
      const none = { revision: 0, segments: [], unlisted: [] }
      expect(await search.segments(ann)).to.deep.equal(none)
      const first = { revision: 1, segments: [], unlisted: ['a'] }
      const second = { revision: 2, segments: [{ segmentId: 'a', turns: 3, chunks: 1 }], unlisted: ['b'] }
      expect(await search.replaceSegments(ann, second)).to.equal(false)
      expect(await search.replaceSegments(ann, first)).to.equal(true)
      expect(await search.replaceSegments(ann, { ...first, unlisted: [] })).to.equal(false)
      expect(await search.replaceSegments(ann, second)).to.equal(true)
      // Those whose turns have got numbers, and nothing else so far.
      await search.addTurns(bob, [randomUUID()])
      expect(await search.segments(bob)).to.deep.equal(none)
      const both = [search.replaceSegments(bob, first), search.replaceSegments(bob, first)]
      expect(await Promise.all(both)).to.have.members([true, false])
      await under.reopen()
      expect(await under.store.search.segments(ann)).to.deep.equal(second)
      expect(await under.store.search.addTurns(bob, [randomUUID()])).to.deep.equal([1])
      expect(await under.store.search.segments(bob)).to.deep.equal(first)
    })

    it('[FT6] keeps chunks as they are, until all of a segment are removed', async () => {
      const { search } = under.store
      const [one, other] = [randomUUID(), randomUUID()]
      const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, at) => (at * 7) % 256)
      await search.putChunks(one, 1, [bytes(20_000), bytes(1)])
      await search.putChunks(one, 0, [bytes(3)])
      // Given again after an unknown outcome.
      await search.putChunks(one, 1, [bytes(20_000), bytes(1)])
      await search.putChunks(
        other,
        1,
        Array.from({ length: 150 }, (_, at) => bytes(at)),
      )
      await under.reopen()
      const read = (segmentId: string, ...numbers: number[]) =>
        under.store.search.chunks(numbers.map((chunk) => ({ segmentId, chunk })))
      expect(await read(one, 2, 0, 7, 1)).to.deep.equal([bytes(1), bytes(3), undefined, bytes(20_000)])
      expect(await under.store.search.chunks([])).to.deep.equal([])
      await under.store.search.removeChunks(other)
      await under.store.search.removeChunks(randomUUID())
      expect(await read(other, 1, 80, 150)).to.deep.equal([undefined, undefined, undefined])
      expect(await read(one, 2)).to.deep.equal([bytes(1)])
    })

    it('[FT5] lists what has ended until it is in the index as it ended', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      const { turnId } = header
      const isListed = async (): Promise<boolean> => {
        for await (const id of under.store.search.unindexed()) if (id === turnId) return true
        return false
      }
      const worked = await committed(under.store, batchOf(header, [], { status: 'processing' }))
      expect(await isListed()).to.equal(false)
      const ended = await committed(under.store, batchOf(worked, [], { status: 'failed', endedAt: 9 }))
      await under.reopen()
      expect(await isListed()).to.equal(true)
      // It was read as it was before its end.
      await under.store.search.indexed([{ turnId, version: worked.version }])
      expect(await isListed()).to.equal(true)
      await under.store.search.indexed([{ turnId, version: ended.version }])
      expect(await isListed()).to.equal(false)
      const reopened = await under.store.reopen(turnId, ended.generation, 'node-a')
      if (!reopened) throw new Error('the turn was not reopened')
      await committed(under.store, batchOf(reopened, [], { status: 'aborted', endedAt: 10 }))
      expect(await isListed()).to.equal(true)
    })
  })
}
