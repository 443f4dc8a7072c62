import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { FlushBatch, TurnHeader, TurnStore } from '../../../src/turns/turn-store.ts'
import {
  aTurn,
  batchOf,
  commitOne,
  committed,
  existing,
  nextAttempt,
  say,
} from '../../support/store-turns.ts'
import { textOf, wordsOf } from '../../support/store-turns.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

export function acceptCommits(under: StoreUnderTest): void {
  const newTurn = (fields: Partial<TurnHeader> = {}): Promise<TurnHeader> =>
    under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID(), ...fields }))

  describe('commits', () => {
    it('[ST3] moves the header on by one version, with its lanes and its state', async () => {
      const header = await newTurn()
      const state = { status: 'processing', startedAt: 7, toolCallCount: 1, incomplete: true } as const
      const after = await committed(under.store, batchOf(header, [{ entries: [say('abc')] }], state))
      expect(after).to.deep.include({ version: 1, generation: 1, attempt: 1, ...state })
      expect(after.lanes.map(({ name, length, parts }) => [name, length, parts])).to.deep.equal([['', 3, 0]])
    })

    it('[ST3] replaces the whole state: what it no longer has is gone', async () => {
      const header = await newTurn()
      const state = { status: 'recovering', reason: 'crashed', startedAt: 7, incomplete: true } as const
      const before = await committed(under.store, batchOf(header, [], state))
      const after = await committed(under.store, batchOf(before, [], { status: 'processing' }))
      expect(after).to.not.have.any.keys('reason', 'startedAt', 'incomplete')
    })

    it('[ST3] leaves the state and the other lanes as they are where the batch says nothing of them', async () => {
      const header = await newTurn()
      const lanes = [
        { entries: [say('main')] },
        { number: 1, name: 'helper', entries: [say('sub')], close: true },
      ]
      const before = await committed(under.store, batchOf(header, lanes, { status: 'processing' }))
      const after = await committed(under.store, batchOf(before, [{ number: 1, entries: [say('way')] }]))
      expect(after.status).to.equal('processing')
      expect(after.lanes[0]).to.deep.equal(before.lanes[0])
      expect(textOf(await wordsOf(under.store, after, 0))).to.equal('main')
      expect(textOf(await wordsOf(under.store, after, 1))).to.equal('subway')
    })

    it('[ST4] answers a batch that is given again like the first time, and applies it once', async () => {
      const header = await newTurn()
      const batch = batchOf(header, [{ entries: [say('once')], close: true }])
      expect(await commitOne(under.store, batch)).to.equal('committed')
      expect(await commitOne(under.store, batch)).to.equal('committed')
      const after = await existing(under.store, header.turnId)
      expect([after.version, textOf(await wordsOf(under.store, after))]).to.deep.equal([1, 'once'])
    })

    it('[ST4] answers an end and a new attempt given again as committed', async () => {
      const header = await committed(under.store, batchOf(await newTurn(), [{ entries: [say('first')] }]))
      const retry = nextAttempt(header)
      const second = await committed(under.store, retry)
      expect(await commitOne(under.store, retry)).to.equal('committed')
      const end = batchOf(second, [{ entries: [say('end')] }], { status: 'finished', endedAt: 9 })
      expect(await commitOne(under.store, end)).to.equal('committed')
      expect(await commitOne(under.store, end)).to.equal('committed')
    })

    const stale: [string, (header: TurnHeader) => FlushBatch][] = [
      ['an older generation', (header) => ({ ...batchOf(header, WORDS), generation: 1 })],
      ['a newer generation', (header) => ({ ...batchOf(header, WORDS), generation: 3 })],
      ['an older attempt', (header) => ({ ...batchOf(header, WORDS), attempt: header.attempt - 1 })],
      ['a newer attempt', (header) => ({ ...batchOf(header, WORDS), attempt: header.attempt + 1 })],
      [
        'a version that was not reached',
        (header) => ({ ...batchOf(header, WORDS), version: header.version + 1 }),
      ],
      ['a version long past', (header) => ({ ...batchOf(header, WORDS), version: header.version - 2 })],
    ]
    for (const [what, make] of stale) {
      it(`[ST3] refuses a batch of ${what}, and nothing of it is there`, async () => {
        const header = await preparedTurn(under.store, await newTurn())
        expect(await commitOne(under.store, make(header))).to.equal('fenced')
        expect(await existing(under.store, header.turnId)).to.deep.equal(header)
        expect(textOf(await wordsOf(under.store, header))).to.equal('second attempt')
      })
    }

    it('[ST3] refuses whatever comes after the end', async () => {
      const header = await newTurn()
      const ended = await committed(
        under.store,
        batchOf(header, [], { status: 'failed', reason: 'no', endedAt: 9 }),
      )
      expect(await commitOne(under.store, batchOf(ended, [{ entries: [say('late')] }]))).to.equal('fenced')
      expect(await existing(under.store, header.turnId)).to.deep.equal(ended)
    })

    it('[ST3] refuses a batch of a turn that is not there', async () => {
      expect(await commitOne(under.store, batchOf(aTurn({ turnId: 'unknown' }), []))).to.equal('fenced')
    })

    it('[ST2] lets the next owner write over what a fenced one left, and not the other way round', async () => {
      const header = await newTurn()
      const late = batchOf(header, [{ entries: [say('from the late owner')], close: true }])
      const taken = await under.store.takeOver(header.turnId, 1, 'node-b')
      if (!taken) throw new Error('expected the takeover to succeed')
      const after = await committed(under.store, batchOf(taken, [{ entries: [say('mine')], close: true }]))
      expect(await commitOne(under.store, late)).to.equal('fenced')
      expect(textOf(await wordsOf(under.store, after))).to.equal('mine')
    })

    it('[ST1] decides every batch of a commit for itself, in order', async () => {
      const turns = await Promise.all(Array.from({ length: 12 }, () => newTurn()))
      for (const { turnId } of turns.slice(0, 4)) await under.store.takeOver(turnId, 1, 'node-b')
      const batches = turns.map((header) => batchOf(header, [{ entries: [say(header.turnId)], close: true }]))
      const repeated = batches.slice(4, 8)
      await under.store.commit(repeated)
      const outcomes = await under.store.commit(batches)
      expect(outcomes).to.deep.equal(batches.map((_, index) => (index < 4 ? 'fenced' : 'committed')))
      for (const [index, { turnId }] of turns.entries()) {
        const text = textOf(await wordsOf(under.store, await existing(under.store, turnId)))
        expect(text).to.equal(index < 4 ? '' : turnId)
      }
    })

    it('commits nothing when there is nothing', async () => {
      expect(await under.store.commit([])).to.deep.equal([])
    })
  })
}

const WORDS = [{ entries: [say('never to be seen')], close: true }]

/** Generation 2, attempt 2, version 3. */
async function preparedTurn(store: TurnStore, header: TurnHeader): Promise<TurnHeader> {
  const first = await committed(store, batchOf(header, [{ entries: [say('first attempt')], close: true }]))
  const taken = await store.takeOver(first.turnId, 1, 'node-b')
  if (!taken) throw new Error('expected the takeover to succeed')
  const second = await committed(store, nextAttempt(taken))
  return committed(store, batchOf(second, [{ entries: [say('second attempt')], close: true }]))
}
