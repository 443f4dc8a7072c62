import { expect } from 'chai'
import { LaneLog } from '../../src/turns/lane-log.ts'
import { call, result, text, unitsOf } from './lane-model.ts'

function lane(...words: string[]): LaneLog {
  const log = new LaneLog()
  for (const word of words) log.append(log.length, text(word))
  return log
}

const textOf = (log: LaneLog): string =>
  log
    .after(log.base)
    .map(({ entry }) => (entry.kind === 'text' ? entry.text : `<${entry.callId}>`))
    .join('')

describe('a lane of a turn', () => {
  it('[TL1] ignores an entry that ends at or before its length', () => {
    const log = lane('hello')
    expect(log.append(0, text('hello'))).to.equal('duplicate')
    expect(log.append(4, text('o'))).to.equal('duplicate')
    expect(log.append(2, text(''))).to.equal('duplicate')
    expect([textOf(log), log.length]).to.deep.equal(['hello', 5])
  })

  it('[TL2] appends of an overlapping entry only what is new', () => {
    const log = lane('hello')
    expect(log.append(3, text('lo, you'))).to.equal('accepted')
    expect(log.append(5, text(', you'))).to.equal('duplicate')
    expect(log.append(0, text('hello, you there'))).to.equal('accepted')
    expect(textOf(log)).to.equal('hello, you there')
  })

  it('[TL3] closes the block when the mode changes, or a call comes, and not for a result', () => {
    const log = new LaneLog()
    expect(log.openMode).to.equal(undefined)
    log.append(0, text('hm', 'thinking'))
    expect(log.openMode).to.equal('thinking')
    log.append(2, result('1'))
    expect(log.openMode).to.equal('thinking')
    log.append(3, text('well'))
    expect(log.openMode).to.equal('responding')
    log.append(7, call('2'))
    expect(log.openMode).to.equal(undefined)
  })

  it('[TL3] knows the open block again after a cut', () => {
    const log = new LaneLog()
    log.append(0, text('hm', 'thinking'))
    log.append(2, result('1'))
    log.append(3, call('2'))
    log.cut(3)
    expect(log.openMode).to.equal('thinking')
    log.cut(0)
    expect(log.openMode).to.equal(undefined)
  })

  it('[TL4] applies nothing of an entry beyond its length', () => {
    const log = lane('ab')
    for (const entry of [text('x'), call('1'), result('1')]) expect(log.append(3, entry)).to.equal('gap')
    expect([textOf(log), log.length]).to.deep.equal(['ab', 2])
  })

  it('[TL5] counts UTF-16 units of text, and a call or a result as one', () => {
    const log = lane('a😀')
    expect(log.length).to.equal(3)
    log.append(3, call('1'))
    log.append(4, result('1'))
    expect(log.length).to.equal(5)
    expect(log.append(3, call('1'))).to.equal('duplicate')
    expect(log.append(4, result('1'))).to.equal('duplicate')
  })

  it('[TL9] hands out what comes after any cursor, in pieces of any size', () => {
    const log = new LaneLog()
    log.append(0, text('abc', 'thinking'))
    log.append(3, call('1'))
    log.append(4, text('def'))
    const all = unitsOf(log.after(0), 0)
    for (let from = 0; from <= 7; from++) {
      expect(unitsOf(log.after(from), from)).to.deep.equal(all.slice(from))
      for (let most = 1; most < 9; most++) {
        expect(unitsOf(log.after(from, most), from)).to.deep.equal(all.slice(from, from + most))
      }
    }
    expect(log.after(7)).to.deep.equal([])
  })

  it('[TL9] leaves what it handed out as it was', () => {
    const log = lane('ab')
    const [piece] = log.after(0)
    log.append(2, text('cd'))
    log.forget(1)
    expect(piece).to.deep.equal({ offset: 0, entry: text('ab') })
  })

  it('[TL10] forgets what lies before an offset, inside an entry too, and never what is not settled', () => {
    const log = lane('abcdef')
    log.append(6, call('1'))
    log.forget(2)
    expect([log.base, log.length, textOf(log)]).to.deep.equal([2, 7, 'cdef<1>'])
    expect(() => log.after(1)).to.throw(RangeError)
    log.forget(1)
    expect(log.base).to.equal(2)
    log.forget(99)
    expect([log.base, log.length, log.after(7)]).to.deep.equal([7, 7, []])
    expect(log.append(7, text('g'))).to.equal('accepted')
    expect(log.append(0, text('abcdef'))).to.equal('duplicate')
    expect(textOf(log)).to.equal('g')
  })

  it('[TL11] cuts what lies at and after an offset, and takes it again', () => {
    const log = lane('abc')
    log.append(3, call('1'))
    log.append(4, text('def'))
    log.cut(9)
    expect(log.length).to.equal(7)
    log.cut(5)
    expect(textOf(log)).to.equal('abc<1>d')
    log.cut(3)
    expect([textOf(log), log.length]).to.deep.equal(['abc', 3])
    expect(log.append(2, text('cX'))).to.equal('accepted')
    expect(textOf(log)).to.equal('abcX')
  })

  it('[TL11] keeps of a lane whose beginning is forgotten nothing before that', () => {
    const log = lane('abcd')
    log.forget(3)
    log.cut(1)
    expect([log.base, log.length, log.after(3)]).to.deep.equal([3, 3, []])
  })
})
