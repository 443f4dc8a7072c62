import * as fc from 'fast-check'

/** What a program does to its terminal, or somebody to the size of it. */
export type Act = string | Uint8Array | Size

export interface Size {
  readonly cols: number
  readonly rows: number
}

const CSI = '\u001b['

function either(...listed: string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...listed)
}

function sequence(listed: string): fc.Arbitrary<string> {
  return either(...listed.split(' ').map((each) => CSI + each))
}

const digit = fc.nat({ max: 9 })
const few = fc.integer({ min: 1, max: 3 })

const narrow = either(
  'a',
  'bc',
  'word ',
  ' ',
  'qjx',
  '0123456789',
  '~`{|}',
  'The quick brown fox jumps. ',
  'ü─│┌',
)
const wide = either('世', '世界', 'こんにちは', '한글', '\u3000', '\u4000')
const combining = either('e\u0301', '\u0301', 'a\u0308\u0323', '👩\u200d💻', '\ufe0f')

const colours = ' 0 1 2 22 3 23 4 24 5 7 27 8 9 29 53 55 31 44 97 102 39 49 4:3 21 4:0 58:5:9 58:2::1:2:3'
const more = ' 38;5;3 38;5;200 48;5;17 38;2;1;2;3 48;2;200;100;0 38:2::9:8:7'
const styles = fc
  .array(either(...(colours + more).split(' ')), { minLength: 1, maxLength: 3 })
  .map((codes) => `${CSI}${codes.join(';')}m`)

const escapes = either(...'D M E H 7 8 = > (0 (B )0 )A *0 (4 n o c #8 %G'.split(' ')).map(
  (each) => `\u001b${each}`,
)
const controls = either(
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\b',
  '\t',
  '\u000b',
  '\u0007',
  '\u000e',
  '\u000f',
  '\0',
)
const c1 = either('\u0084', '\u0085', '\u0088', '\u009b3C')
const strings = either(
  '\u001b]8;;https://a.example/\u001b\\',
  '\u001b]8;id=1;https://b.example/\u0007',
  '\u001b]8;;\u001b\\',
  '\u001b]0;title\u0007',
  '\u001bP1$qm\u001b\\',
  '\u001b_apc\u001b\\',
)

const moves = fc.tuple(digit, either(...'ABCDEFGIZ`ade'.split(''))).map(([n, to]) => `${CSI}${n}${to}`)
const places = fc.tuple(digit, digit).map(([y, x]) => `${CSI}${y};${x * 2}H`)
const edits = fc.tuple(few, either(...'@PXLMSTb'.split(''))).map(([n, to]) => `${CSI}${n}${to}`)
const regions = fc.tuple(few, digit).map(([top, rows]) => `${CSI}${top};${top + rows}r`)
const others = sequence('0J 1J 2J 3J 0K 1K 2K r s u !p g 3g 1"q 0"q ?2J ?1K 2 @ 1 A 2\'} 1\'~ 3 q 0 q')
const modes = fc
  .tuple(
    either(...'4 20 ?1 ?2 ?6 ?9 ?12 ?25 ?45 ?66 ?1000 ?1002 ?1003 ?1004 ?1006 ?1016 ?2004'.split(' ')),
    either('h', 'l'),
  )
  .map(([mode, to]) => `${CSI}${mode}${to}`)
const screens = fc
  .tuple(either('47', '1047', '1048', '1049'), either('h', 'l'))
  .map(([n, to]) => `${CSI}?${n}${to}`)

function written(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: texts, weight: 12 },
    { arbitrary: styles, weight: 6 },
    ...[controls, escapes, places, edits].map((arbitrary) => ({ arbitrary, weight: 3 })),
    ...[moves, regions, others, modes, screens].map((arbitrary) => ({ arbitrary, weight: 2 })),
    ...[c1, strings].map((arbitrary) => ({ arbitrary, weight: 1 })),
  )
}

/** Wide characters always find room here: without it, xterm.js goes by how they are cut into pieces. */
export const wrapping = written(fc.oneof(narrow, wide, combining))
export const maybeWrapping = written(fc.oneof(narrow, either('e\u0301', '\u0301'), sequence('?7l ?7h')))
/** When it is resized, xterm.js may move combining characters to where they have never been. */
export const uncombined = written(fc.oneof(narrow, wide))

/** What has no meaning, or not yet. */
export const garbage = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 4 }),
  either(
    ...'\u001b \u001b[ \u001b[3 \u001b[? \u001b] \u001b]8;;x \u001bP \u001bPq \u001b_ \u0018 \u001b\\'.split(
      ' ',
    ),
  ),
  either('\u0090', '\u0098', '\u009c', '\u009d'),
  either('é', '世', '😀', '\u00a0', '\u0080', '\ufeff').chain((text) => {
    const bytes = Buffer.from(text)
    return fc.nat({ max: bytes.length - 1 }).map((length) => new Uint8Array(bytes.subarray(0, length)))
  }),
)

export const sizes: fc.Arbitrary<Size> = fc.record({
  cols: fc.integer({ min: 4, max: 24 }),
  rows: fc.integer({ min: 2, max: 7 }),
})

export function bytesOf(written: string | Uint8Array): Uint8Array {
  return typeof written === 'string' ? Buffer.from(written) : written
}
