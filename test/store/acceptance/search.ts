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
      const first = await search.addTurn(ann, ids[0])
      const second = await search.addTurn(ann, ids[1])
      await search.addTurn(bob, ids[2])
      expect(second).to.be.greaterThan(first)
      await under.reopen()
      expect(await under.store.search.addTurn(ann, ids[0])).to.equal(first)
      expect(await under.store.search.turnIds(ann, [second, first, 99_999])).to.deep.equal([
        ids[1],
        ids[0],
        undefined,
      ])
    })

    it('[FT6] finds by any of some terms, the latest first, across blocks and whatever the order', async () => {
      const { search } = under.store
      const [ann, bob] = [randomUUID(), randomUUID()]
      const numbers = [3, 1, 0, 511, 512, 1700, 5, 1699]
      for (const number of numbers) {
        const term = `n${number}`
        await search.addTerms(ann, [
          { term: 'disk', numbers: [number] },
          { term, numbers: [number] },
        ])
      }
      await search.addTerms(ann, [{ term: 'disk', numbers: [1, 3, 1, 1700] }])
      await search.addTerms(bob, [{ term: 'disk', numbers: [7] }])
      const falling = numbers.toSorted((one, other) => other - one)
      expect(await search.numbersWith(ann, ['disk'])).to.deep.equal(falling)
      expect(await search.numbersWith(ann, ['n1', 'n1700', 'n512', 'nothing'])).to.deep.equal([1700, 512, 1])
      expect(await search.numbersWith(ann, ['nothing'])).to.deep.equal([])
      expect(await search.numbersWith(ann, [])).to.deep.equal([])
      await under.reopen()
      expect(await under.store.search.numbersWith(bob, ['disk'])).to.deep.equal([7])
    })

    it('[FT6] names the terms of a user that begin so, each once and in order', async () => {
      const { search } = under.store
      const [ann, bob] = [randomUUID(), randomUUID()]
      const terms = ['permission', 'per', 'perm', 'permit', 'peru', 'pest', 'größe', '数据']
      await search.addTerms(
        ann,
        terms.map((term) => ({ term, numbers: [1, 600] })),
      )
      await search.addTerms(bob, [{ term: 'permanent', numbers: [1] }])
      expect(await search.termsWith(ann, 'perm', 10)).to.deep.equal(['perm', 'permission', 'permit'])
      expect(await search.termsWith(ann, 'perm', 2)).to.deep.equal(['perm', 'permission'])
      expect(await search.termsWith(ann, 'grö', 2)).to.deep.equal(['größe'])
      expect(await search.termsWith(ann, 'none', 2)).to.deep.equal([])
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
      await under.store.search.indexed(turnId, worked.version)
      expect(await isListed()).to.equal(true)
      await under.store.search.indexed(turnId, ended.version)
      expect(await isListed()).to.equal(false)
      const reopened = await under.store.reopen(turnId, ended.generation, 'node-a')
      if (!reopened) throw new Error('the turn was not reopened')
      await committed(under.store, batchOf(reopened, [], { status: 'aborted', endedAt: 10 }))
      expect(await isListed()).to.equal(true)
    })
  })
}
