import { expect } from 'chai'
import * as fc from 'fast-check'
import { ByteLog } from '../../src/terminals/byte-log.ts'
import { TerminalLog } from '../../src/terminals/terminal-log.ts'

const SIZE = { cols: 80, rows: 24 }

/** All bytes from an offset on. */
function all(log: Pick<ByteLog, 'read' | 'head'>, from: number, most = 100_000): Buffer {
  const pieces: Buffer[] = []
  for (let at = from; at < log.head;) {
    const piece = log.read(at, most)
    if (piece.length === 0) break
    pieces.push(piece)
    at += piece.length
  }
  return Buffer.concat(pieces)
}

describe('the bytes of a terminal', () => {
  it('[TM3] are the last that were written, each at its offset', () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 90_000 })), { maxLength: 12 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 80_000 }), fc.nat(), (counts, most, seed) => {
        const log = new ByteLog(most)
        let whole = Buffer.alloc(0)
        for (const [index, count] of counts.entries()) {
          const bytes = Buffer.from(Array.from({ length: count }, (_, at) => (seed + index * 31 + at) % 251))
          log.add(bytes)
          whole = Buffer.concat([whole, bytes])
          expect(log.head).to.equal(whole.length)
          expect(log.base).to.equal(Math.max(0, whole.length - most))
          const from = log.base + (seed % (log.head - log.base + 1))
          expect(all(log, from, 1 + (seed % 5000)).equals(whole.subarray(from))).to.equal(true)
        }
        if (log.base > 0) expect(() => log.read(log.base - 1, 1)).to.throw(RangeError)
        expect(log.read(log.head, 10)).to.have.lengthOf(0)
      }),
      { numRuns: 200 },
    )
  })

  it('[TM3] that were read stay as they are, whatever is written later', () => {
    const log = new ByteLog(3000)
    log.add(Buffer.alloc(1000, 'a'))
    const read = log.read(0, 1000)
    log.add(Buffer.alloc(9000, 'b'))
    expect(read.equals(Buffer.alloc(1000, 'a'))).to.equal(true)
  })
})

describe('the log of a terminal', () => {
  it('[TM3] leaves out what it has, and takes nothing that leaves a gap', () => {
    const log = new TerminalLog(SIZE, 1000)
    expect(log.take(0, Buffer.from('one two'))).to.equal(true)
    expect(log.take(4, Buffer.from('two three'))).to.equal(true)
    expect(log.take(0, Buffer.from('one'))).to.equal(true)
    expect(log.take(14, Buffer.from('x'))).to.equal(false)
    expect(all(log, 0).toString()).to.equal('one two three')
  })

  it('[TM4] has each size at its place, the last one that came there, and reads no further', () => {
    const log = new TerminalLog(SIZE, 1000)
    log.take(0, Buffer.from('one'))
    for (const cols of [90, 100]) log.resized({ offset: 3, cols, rows: 30 })
    log.take(3, Buffer.from('two'))
    expect(log.resized({ offset: 9, cols: 1, rows: 1 })).to.equal(false)
    // Said again after what came later: it is known.
    expect(log.resized({ offset: 2, cols: 7, rows: 7 })).to.equal(true)
    expect(log.sizeAt(2)).to.deep.equal(SIZE)
    expect(log.sizeAt(3)).to.deep.equal({ cols: 100, rows: 30 })
    expect(log.read(0, 100).toString()).to.equal('one')
    expect(log.read(3, 100).toString()).to.equal('two')
  })

  it('[TM4] keeps only so many sizes, and what can be shown with those', () => {
    const log = new TerminalLog(SIZE, 100_000)
    for (let offset = 1; offset <= 3000; offset++) {
      log.take(offset - 1, Buffer.from('x'))
      log.resized({ offset, cols: 1 + (offset % 500), rows: 24 })
    }
    expect(log.head - log.base).to.be.within(900, 1001)
    expect(log.sizeAt(log.base)).to.deep.equal({ cols: 1 + (log.base % 500), rows: 24 })
    expect(log.lastSnapshot).to.deep.equal({ offset: log.base, ...log.sizeAt(log.base), screen: '' })
  })

  it('[TM4] goes on from the last snapshot after which all is kept', () => {
    const log = new TerminalLog(SIZE, 10)
    expect(log.hasSnapshot).to.equal(false)
    log.take(0, Buffer.from('0123456789'))
    log.snapshot({ offset: 8, ...SIZE, screen: 'eight' })
    log.snapshot({ offset: 5, ...SIZE, screen: 'too late' })
    expect(log.lastSnapshot.screen).to.equal('eight')
    log.take(10, Buffer.from('abcdefgh'))
    expect(log.lastSnapshot.screen).to.equal('eight')
    log.take(18, Buffer.from('i'))
    expect(log.hasSnapshot).to.equal(false)
    expect(log.lastSnapshot).to.deep.equal({ offset: 9, ...SIZE, screen: '' })
    log.snapshot({ offset: 50, cols: 5, rows: 5, screen: 'ahead' })
    expect([log.base, log.head]).to.deep.equal([50, 50])
    expect(log.sizeAt(50)).to.deep.equal({ cols: 5, rows: 5 })
  })
})
