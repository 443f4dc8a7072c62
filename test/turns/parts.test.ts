import { expect } from 'chai'
import { endOf } from '../../src/turns/entry.ts'
import * as fc from 'fast-check'
import type { Entry, Placed } from '../../src/turns/entry.ts'
import { LaneLog } from '../../src/turns/lane-log.ts'
import { bytesOf, joinTexts, partition } from '../../src/turns/parts.ts'
import type { Part } from '../../src/turns/turn-store.ts'
import { call, kept, placedOf, result, someUnits, text, unitsOf } from './lane-model.ts'

function placed(...entries: Entry[]): Placed[] {
  const log = new LaneLog()
  for (const entry of entries) log.append(log.length, entry)
  return log.after(0)
}

const shape = (entries: readonly Placed[]) =>
  entries.map(({ entry }) => (entry.kind === 'text' ? entry.text : `${entry.kind} ${entry.callId}`))
const options = { firstIndex: 0, partBytes: 1000, closeAll: false }

const sizeOf = (entries: readonly Placed[]): number =>
  entries.reduce((bytes, entry) => bytes + bytesOf(entry), 0)

describe('the parts of a lane', () => {
  it('[ST1] are closed where a block ends, and the last block stays open', () => {
    const words = placed(text('hm', 'thinking'), text('so'), call('1'), result('1'), call('2'), text('end'))
    const { closed, open } = partition(words, { ...options, firstIndex: 7 })
    expect(closed.map(({ entries }) => shape(entries))).to.deep.equal([
      ['hm'],
      ['so'],
      ['call 1', 'result 1'],
      ['call 2'],
    ])
    expect(closed.map(({ index }) => index)).to.deep.equal([7, 8, 9, 10])
    expect(shape(open)).to.deep.equal(['end'])
    expect(open.map(endOf).at(-1)).to.equal(10)
  })

  it('[ST1] leave nothing open where the attempt is over', () => {
    const { closed, open } = partition(placed(text('hm')), { ...options, closeAll: true })
    expect([closed.length, open]).to.deep.equal([1, []])
    expect(partition([], { ...options, closeAll: true }).closed).to.deep.equal([])
  })

  it('[ST1] do not end a block for a result', () => {
    const { closed, open } = partition(placed(text('a'), result('1'), text('b')), options)
    expect([closed, shape(open)]).to.deep.equal([[], ['a', 'result 1', 'b']])
  })

  it('[TN12] count every string that an entry carries', () => {
    const long = '汉'.repeat(1000)
    const base = { callId: '1', response: '', createdAt: 0 }
    const entries: Entry[] = [
      text(long),
      { ...base, kind: 'call', name: long, parameters: '' },
      { ...base, kind: 'call', name: '', parameters: long },
      { ...base, kind: 'result', response: long },
      { ...base, kind: 'result', detail: { title: long } },
      { ...base, kind: 'result', subagent: { name: long } },
      { ...base, kind: 'result', stats: [long] },
      { ...base, kind: 'result', callId: long },
    ]
    for (const entry of entries) expect(bytesOf({ offset: 0, entry })).to.be.within(3000, 3200)
  })

  it('[ST1] join neighbouring texts of one mode up to a size, and nothing across a hole', () => {
    const words = 'abcdef'.split('').map((letter, offset) => ({ offset, entry: text(letter) }))
    expect(shape(joinTexts(words, 4))).to.deep.equal(['abcd', 'ef'])
    expect(shape(joinTexts(words.toSpliced(2, 1), 99))).to.deep.equal(['ab', 'def'])
    expect(
      shape(joinTexts([{ offset: 0, entry: text('a', 'thinking') }, ...words.slice(1)], 99)),
    ).to.deep.equal(['a', 'bcdef'])
  })

  it('[ST1] hold the same words in bounded documents however these were flushed', () => {
    const flushes = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 30, size: 'max' })
    fc.assert(
      fc.property(someUnits, flushes, fc.integer({ min: 80, max: 400 }), (units, cuts, partBytes) => {
        const log = new LaneLog()
        const parts: Part[] = []
        let open: Placed[] = []
        let length = 0
        for (const size of [...cuts, units.length]) {
          const from = log.length
          for (const { offset, entry } of placedOf(units, from, Math.min(units.length, from + size))) {
            log.append(offset, entry)
          }
          const before = structuredClone(parts)
          const fresh = log.after(length)
          const made = partition([...open, ...fresh], {
            firstIndex: parts.length,
            partBytes,
            closeAll: false,
          })
          parts.push(...made.closed)
          ;({ open } = made)
          length = log.settled
          expect(parts.slice(0, before.length)).to.deep.equal(before)
          expect(sizeOf(open)).to.be.lessThan(partBytes)
          const most = Math.max(0, ...fresh.map(bytesOf))
          for (const { entries } of made.closed) expect(sizeOf(entries)).to.be.at.most(partBytes * 4 + most)
        }
        expect(parts.map(({ index }) => index)).to.deep.equal([...parts.keys()])
        const words = [...parts.flatMap(({ entries }) => entries), ...open]
        expect(unitsOf(words, 0)).to.deep.equal(kept(units).slice(0, length))
      }),
      { numRuns: 200 },
    )
  })
})
