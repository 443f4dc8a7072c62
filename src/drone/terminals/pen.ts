import type { Attributes, Extended, Link } from './xterm-core.ts'

const CSI = '\u001b['
const OSC_LINK = '\u001b]8;'
const END = '\u001b\\'

/** In `fg`; `isUnderline()` also holds for links. */
const UNDERLINE = 0x10000000

/** What the next characters are written with, in a snapshot. */
export class Pen {
  readonly #linkOf: (urlId: number) => Link | undefined
  #fg = 0
  #bg = 0
  #extended: Extended | undefined
  #codes: readonly string[] = []
  #isProtected = false
  #url = 0

  constructor(linkOf: (urlId: number) => Link | undefined) {
    this.#linkOf = linkOf
  }

  /** What has to be written for characters to look so. */
  turn(to: Attributes, extended = to.hasExtendedAttrs() ? to.extended : undefined): string {
    if (to.fg === this.#fg && to.bg === this.#bg && extended === this.#extended) return ''
    this.#fg = to.fg
    this.#bg = to.bg
    this.#extended = extended
    const url = to.hasExtendedAttrs() ? to.extended.urlId : 0
    return this.#turnTo(codesOf(to, extended), to.isProtected() !== 0) + this.#linkTo(url)
  }

  #turnTo(codes: readonly string[], isProtected: boolean): string {
    // There is no code that takes only dimness away, and none at all that takes away protection alone.
    const isReset =
      this.#codes.some((code, index) => code !== '' && codes[index] === '') ||
      (this.#isProtected && !isProtected)
    const added = codes.filter((code, index) => code !== '' && (isReset || code !== this.#codes[index]))
    const protects = isProtected && (isReset || !this.#isProtected)
    this.#codes = codes
    this.#isProtected = isProtected
    if (isReset && added.length > 0) added.unshift('0')
    const style = isReset || added.length > 0 ? `${CSI}${added.join(';')}m` : ''
    return protects ? `${style}${CSI}1"q` : style
  }

  #linkTo(url: number): string {
    if (url === this.#url) return ''
    this.#url = url
    const link = url === 0 ? undefined : this.#linkOf(url)
    if (!link) return `${OSC_LINK};${END}`
    // Named, for it may be drawn in pieces, and still is one link.
    return `${OSC_LINK}id=${link.id ?? `drawn-${url}`};${link.uri}${END}`
  }
}

/** One place for each thing that can be set, empty where it is not. */
function codesOf(of: Attributes, extended: Extended | undefined): string[] {
  return [
    colour('3', of.getFgColorMode(), of.getFgColor()),
    colour('4', of.getBgColorMode(), of.getBgColor()),
    of.fg & UNDERLINE ? underline(extended) : '',
    extended ? underlineColour(extended.underlineColor) : '',
    of.isBold() ? '1' : '',
    of.isDim() ? '2' : '',
    of.isItalic() ? '3' : '',
    of.isBlink() ? '5' : '',
    of.isInverse() ? '7' : '',
    of.isInvisible() ? '8' : '',
    of.isStrikethrough() ? '9' : '',
    of.isOverline() ? '53' : '',
  ]
}

function colour(ground: '3' | '4', mode: number, value: number): string {
  switch (mode >>> 24) {
    case 0:
      return ''
    case 1:
      return value < 8 ? `${ground}${value}` : `${ground === '3' ? 9 : 10}${value - 8}`
    case 2:
      return `${ground}8;5;${value}`
    default:
      return `${ground}8;2;${value >>> 16};${(value >>> 8) & 0xff};${value & 0xff}`
  }
}

function underline({ _ext: bits }: Extended = { _ext: 0, underlineColor: 0, urlId: 0 }): string {
  // Not `underlineStyle`, which is that of a link where there is one.
  const style = (bits >>> 26) & 7
  return style > 1 ? `4:${style}` : '4'
}

function underlineColour(colour: number): string {
  switch ((colour >>> 24) & 3) {
    case 0:
      return ''
    case 3:
      return `58:2::${(colour >>> 16) & 0xff}:${(colour >>> 8) & 0xff}:${colour & 0xff}`
    default:
      return `58:5:${colour & 0xff}`
  }
}
