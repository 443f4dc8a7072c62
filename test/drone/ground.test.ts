import { expect } from 'chai'
import * as fc from 'fast-check'
import { Ground } from '../../src/drone/terminals/ground.ts'
import { openXterm } from '../../src/drone/terminals/xterm.ts'
import { bytesOf, garbage, wrapping } from './terminal-streams.ts'

/** Of xterm.js, where its parser is: 0 is ground. */
interface Parsing {
  readonly _parser: { readonly currentState: number; reset(): void }
  readonly _utf8Decoder: { readonly interim: Uint8Array; clear(): void }
}

const streams = fc
  .array(fc.oneof({ arbitrary: garbage, weight: 3 }, { arbitrary: wrapping, weight: 1 }), { maxLength: 12 })
  .map((written) => Buffer.concat(written.map(bytesOf)))

describe('the places where nothing that is written to a terminal is cut in two', function () {
  this.timeout(30_000)

  it('[TM1] are those where the parser of xterm.js is in ground, whatever is written', () => {
    const { core } = openXterm({ cols: 20, rows: 4, scrollback: 0 })
    const input = core._inputHandler
    const parsing = input as typeof input & Parsing
    const isInGround = (bytes: Uint8Array): boolean => {
      parsing._parser.reset()
      parsing._utf8Decoder.clear()
      input.parse(bytes)
      return parsing._parser.currentState === 0 && parsing._utf8Decoder.interim[0] === 0
    }
    fc.assert(
      fc.property(streams, (stream) => {
        const ground = new Ground()
        for (let length = 1; length <= stream.length; length++) {
          const settled = ground.take(stream.subarray(length - 1, length))
          expect(settled === length, `${length} bytes`).to.equal(isInGround(stream.subarray(0, length)))
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('[TM1] are the same however the bytes come in', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (stream, lengths) => {
        const ground = new Ground()
        let settled = 0
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const length = lengths[turn % lengths.length] ?? 1
          settled = ground.take(stream.subarray(at, at + length))
          at += length
        }
        expect(settled).to.equal(new Ground().take(stream))
      }),
      { numRuns: 1500 },
    )
  })

  const cut: readonly (readonly [what: string, settled: string, rest: string])[] = [
    ['plain text', 'abc\r\n', ''],
    ['a character of two bytes', 'é', '\xc3'],
    ['a character of four bytes', 'a', '\xf0\x9f\x98'],
    ['an escape', 'a', '\u001b'],
    ['a character set', 'a', '\u001b('],
    ['a control sequence', '\u001b[1m', '\u001b[?25'],
    ['a control sequence with a control within', 'a', '\u001b[3\r'],
    ['a title', 'a', '\u001b]0;title \xe4\xb8\x96'],
    ['a title that is about to end', 'a', '\u001b]0;title\u001b'],
    ['a device control string, where a bell ends nothing', 'a', '\u001bPq#0\u0007'],
    ['a privacy message', 'a', '\u001b^hidden'],
    ['a C1 control sequence', 'a', '\xc2\x9b1'],
    ['a sequence in place of another', 'a', '\u001b]0;title\u001b[3'],
    ['an escape before bytes that the parser never hears of', 'a', '\u001b\xef\xbb\xbf\xed\xa0\x80'],
    ['a control sequence that is not one, to its end', 'a', '\u001b[1?\xc3\xa9'],
    ['a sequence that is called off', 'a\u001b[3\u0018', ''],
    ['a title that a bell has ended', '\u001b]0;title\u0007', ''],
    ['a string that is ended', '\u001b_hidden\u001b\\', ''],
  ]
  for (const [what, settled, rest] of cut)
    it(`[TM1] are not within ${what}`, () => {
      const before = Buffer.from(settled)
      expect(new Ground().take(Buffer.concat([before, Buffer.from(rest, 'latin1')]))).to.equal(before.length)
    })

  it('[TM1] come again after bytes that are no character', () => {
    const broken = ['\xff', '\xc3(', '\xe4\xb8A', '\xf8\x88', '\xed\xa0\x80', '\xc0\x80', '\xf0\x9f'].join('')
    const ground = new Ground()
    ground.take(Buffer.from(broken, 'latin1'))
    expect(ground.take(Buffer.from('a'))).to.equal(broken.length + 1)
  })
})
