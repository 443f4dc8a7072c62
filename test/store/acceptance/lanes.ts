import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import type { CallEntry, Entry, ResultEntry } from '../../../src/turns/entry.ts'
import type { TurnHeader } from '../../../src/turns/turn-store.ts'
import { aTurn, batchOf, committed, nextAttempt, placedFrom, say } from '../../support/store-turns.ts'
import { textOf, wordsOf } from '../../support/store-turns.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

const CALL: CallEntry = {
  kind: 'call',
  callId: 'call $1.😀',
  name: 'edit',
  parameters: '{"path":"a.ts"}',
  response: '',
  detail: { title: 'Edit', locations: [{ path: 'a.ts', line: 3 }], diffs: [{ path: 'a.ts', newText: '' }] },
  createdAt: 6,
}
const RESULT: ResultEntry = {
  kind: 'result',
  callId: CALL.callId,
  response: 'done',
  isError: false,
  truncated: true,
  subagent: { 'a.b': [1, [2, { $set: null }]], '': 'empty key' },
  stats: 0.5,
  createdAt: 7,
}

export function acceptLanes(under: StoreUnderTest): void {
  const newTurn = (): Promise<TurnHeader> =>
    under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))

  describe('lanes', () => {
    it('[ST5] reads every entry as it was written', async () => {
      const entries: Entry[] = [say('think', 'thinking'), say('say 😀'), CALL, RESULT, say('\u0000 and on')]
      const closed = await committed(under.store, batchOf(await newTurn(), [{ entries, close: true }]))
      const after = await committed(under.store, batchOf(closed, [{ entries }]))
      const length = after.lanes[0]?.length ?? 0
      expect(await wordsOf(under.store, after)).to.deep.equal(placedFrom(0, [...entries, ...entries]))
      expect(length).to.equal(2 * (5 + 6 + 2 + 8))
    })

    it('[ST5] reads from any position, in the middle of a text too', async () => {
      let header = await newTurn()
      for (let step = 0; step < 6; step++) {
        const entries = [say(`${step}abc`), CALL]
        header = await committed(under.store, batchOf(header, [{ entries, close: step % 2 === 1 }]))
      }
      const text = textOf(await wordsOf(under.store, header))
      expect(text).to.equal('0abc!1abc!2abc!3abc!4abc!5abc!')
      for (let from = 0; from <= text.length; from++)
        expect(textOf(await wordsOf(under.store, header, 0, from), from)).to.equal(text.slice(from))
    })

    it('[ST5] reads nothing of a lane or position that is not there', async () => {
      const header = await committed(under.store, batchOf(await newTurn(), [{ entries: [say('abc')] }]))
      expect(await wordsOf(under.store, header, 1)).to.deep.equal([])
      expect(await wordsOf(under.store, header, 0, 3)).to.deep.equal([])
      expect(await wordsOf(under.store, header, 0, 99)).to.deep.equal([])
    })

    it('[ST5] reads what the header it was given says, though the turn has gone on', async () => {
      const early = await committed(under.store, batchOf(await newTurn(), [{ entries: [say('early ')] }]))
      const late = await committed(under.store, batchOf(early, [{ entries: [say('late')], close: true }]))
      await committed(under.store, nextAttempt(late))
      expect(textOf(await wordsOf(under.store, early))).to.equal('early ')
      expect(textOf(await wordsOf(under.store, late))).to.equal('early late')
    })

    it('[ST5] gives readers a growing prefix while words are written', async () => {
      let header = await newTurn()
      const writing = (async () => {
        for (let step = 0; step < 40; step++) {
          const entries = [say(`${step};`)]
          header = await committed(under.store, batchOf(header, [{ entries, close: step % 5 === 4 }]))
        }
      })()
      const whole = Array.from({ length: 40 }, (_, step) => `${step};`).join('')
      let reads = 0
      for (let shown = ''; shown !== whole; reads++) {
        const now = await under.store.readTurn(header.turnId)
        if (!now) throw new Error('the turn is gone')
        const text = textOf(await wordsOf(under.store, now))
        expect(whole.startsWith(text)).to.equal(true)
        expect(text.length).to.equal(now.lanes[0]?.length ?? 0)
        expect(text.startsWith(shown)).to.equal(true)
        shown = text
        // Reads of memory alone never let the writer's disk be heard.
        await setImmediate()
      }
      await writing
      expect(reads).to.be.greaterThan(1)
    })

    it('[ST7] begins a new attempt empty, and keeps the words of the one given up', async () => {
      const lanes = [{ entries: [say('first')] }, { number: 1, name: 'helper', entries: [say('sub')] }]
      const header = await committed(under.store, batchOf(await newTurn(), lanes))
      const second = await committed(under.store, nextAttempt(header))
      expect([second.attempt, second.lanes]).to.deep.equal([2, []])
      const after = await committed(under.store, batchOf(second, [{ entries: [say('second')] }]))
      expect(textOf(await wordsOf(under.store, after))).to.equal('second')
      const earlier = after.earlier[0]
      if (!earlier) throw new Error('the first attempt is gone')
      const owner = { turnId: after.turnId, ...earlier }
      expect(textOf(await wordsOf(under.store, owner, 0))).to.equal('first')
      expect(textOf(await wordsOf(under.store, owner, 1))).to.equal('sub')
    })

    it('[ST7] reads lanes that began with the words of earlier attempts, through all of them', async () => {
      let header = await committed(
        under.store,
        batchOf(await newTurn(), [{ entries: [say('one ')], close: true }]),
      )
      header = await committed(under.store, batchOf(header, [{ entries: [say('more ')] }]))
      header = await committed(under.store, nextAttempt(header, true))
      header = await committed(under.store, batchOf(header, [{ entries: [say('two ')] }]))
      header = await committed(under.store, nextAttempt(header, true))
      header = await committed(under.store, batchOf(header, [{ entries: [say('three')], close: true }]))
      header = await committed(under.store, batchOf(header, [{ entries: [say('!')] }]))
      const text = 'one more two three!'
      for (let from = 0; from <= text.length; from++)
        expect(textOf(await wordsOf(under.store, header, 0, from), from)).to.equal(text.slice(from))
    })

    it('[ST17] turns a lone surrogate into U+FFFD, and no position moves', async () => {
      const header = await committed(
        under.store,
        batchOf(await newTurn(), [
          { entries: [say('a\ud800b'), say('c'), { ...CALL, parameters: '\udc00x' }] },
        ]),
      )
      const words = await wordsOf(under.store, header)
      expect(textOf(words)).to.match(/^a\ufffdbc/)
      expect(words.at(-1)).to.deep.include({ offset: 4, entry: { ...CALL, parameters: '\ufffdx' } })
    })

    it('[ST5] carries a turn past 16 MB, in pieces of a bounded size', async function () {
      this.timeout(60_000)
      let header = await newTurn()
      const block = 'x'.repeat(1024 * 1024)
      for (let step = 0; step < 18; step++) {
        const entries = [say(block), { ...CALL, response: `${step}` }]
        header = await committed(under.store, batchOf(header, [{ entries, close: true }]))
      }
      let units = 0
      for await (const piece of under.store.readLane(header, 0, 0)) {
        const size = piece.reduce(
          (sum, { entry }) => sum + (entry.kind === 'text' ? entry.text.length : 1),
          0,
        )
        expect(size).to.be.lessThan(2 * block.length)
        units += size
      }
      expect(units).to.equal(18 * (block.length + 1))
      const from = units - 2
      expect(textOf(await wordsOf(under.store, header, 0, from), from)).to.equal('x!')
    })
  })
}
