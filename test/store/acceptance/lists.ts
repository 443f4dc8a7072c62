import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { TurnHeader } from '../../../src/turns/turn-store.ts'
import { aTurn, all, batchOf, committed } from '../../support/store-turns.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

export function acceptLists(under: StoreUnderTest): void {
  const newTurn = (fields: Partial<TurnHeader>): Promise<TurnHeader> =>
    under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID(), ...fields }))

  describe('lists of turns', () => {
    it('[ST12] lists the turns of a session newest first, page by page', async () => {
      const chatSessionId = randomUUID()
      // Two of the same millisecond: a page may end between them.
      const times = [10, 20, 20, 30, 5]
      const turns = []
      for (const createdAt of times) turns.push(await newTurn({ chatSessionId, createdAt }))
      await newTurn({ chatSessionId: `${chatSessionId}x`, createdAt: 15 })
      const whole = await under.store.turnsOfSession(chatSessionId, { limit: 10 })
      expect(whole.items.map(({ createdAt }) => createdAt)).to.deep.equal([30, 20, 20, 10, 5])
      expect(whole.next).to.equal(undefined)
      const paged: TurnHeader[] = []
      for (let after: string | undefined, more = true; more; more = after !== undefined) {
        const page = await under.store.turnsOfSession(chatSessionId, {
          limit: 2,
          ...(after ? { after } : {}),
        })
        paged.push(...page.items)
        after = page.next
      }
      expect(paged).to.deep.equal(whole.items)
    })

    it('[ST12] gives no next page after a full last one, and none after what it does not list', async () => {
      const chatSessionId = randomUUID()
      await newTurn({ chatSessionId, createdAt: 1 })
      const page = await under.store.turnsOfSession(chatSessionId, { limit: 1 })
      expect([page.items.length, page.next]).to.deep.equal([1, undefined])
      const foreign = await newTurn({ chatSessionId: randomUUID() })
      for (const after of [foreign.turnId, 'unknown'])
        expect(await under.store.turnsOfSession(chatSessionId, { limit: 1, after })).to.deep.equal({
          items: [],
        })
    })

    it('[ST12] lists every unfinished turn, oldest first, and no longer when it has ended', async () => {
      const turns = []
      for (let index = 0; index < 150; index++) turns.push(await newTurn({ createdAt: 5_000 - index }))
      const mine = new Set(turns.map(({ turnId }) => turnId))
      const listed = async () =>
        (await all(under.store.unfinishedTurns())).filter(({ turnId }) => mine.has(turnId))
      expect((await listed()).map(({ turnId }) => turnId)).to.deep.equal(
        turns.map(({ turnId }) => turnId).toReversed(),
      )
      for (const header of turns.slice(0, 148))
        await committed(under.store, batchOf(header, [], { status: 'finished', endedAt: 1 }))
      expect((await listed()).map(({ createdAt }) => createdAt)).to.deep.equal([4_851, 4_852])
    })
  })
}
