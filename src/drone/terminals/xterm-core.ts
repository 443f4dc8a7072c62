import type { IBufferCell, Terminal } from '@xterm/headless'

/** What characters are written with: how a cell, the cursor and a saved cursor keep it. */
export interface Attributes extends Omit<IBufferCell, 'getWidth' | 'getChars' | 'getCode'> {
  readonly fg: number
  readonly bg: number
  isProtected(): number
  /** Where it has none, `extended` may be that of another cell. */
  hasExtendedAttrs(): number
  readonly extended: Extended
}

export interface Extended {
  readonly _ext: number
  readonly underlineColor: number
  readonly urlId: number
}

export type Cell = Attributes & IBufferCell

/** What is written in place of some characters. */
export type Charset = Readonly<Record<string, string>>

export interface CoreBuffer {
  readonly x: number
  readonly y: number
  readonly scrollTop: number
  readonly scrollBottom: number
  readonly tabs: Readonly<Record<number, boolean | undefined>>
  readonly savedX: number
  /** Counted from the first line that is kept. */
  readonly savedY: number
  readonly savedCurAttrData: Attributes
  readonly savedCharset: Charset | undefined
}

export interface Link {
  readonly id?: string
  readonly uri: string
}

export type Command = (params: { params: number[]; length: number }, respectsProtection?: boolean) => boolean

/** What xterm.js does not tell of itself, and a terminal that goes on in its place has to know. */
export interface Core {
  readonly buffers: { readonly normal: CoreBuffer; readonly alt: CoreBuffer; readonly active: CoreBuffer }
  readonly _inputHandler: {
    readonly _curAttrData: Attributes
    /** Not 0 as long as a combining character would still join the character before it. */
    readonly _parser: { readonly precedingJoinState: number; reset(): void }
    /** At once, and throws to whoever calls it: `Terminal.write` throws where nobody can catch it. */
    parse(written: string | Uint8Array): void
    readonly insertLines: Command
    readonly deleteLines: Command
    readonly scrollUp: Command
    readonly scrollDown: Command
    readonly cursorForwardTab: Command
    readonly cursorBackwardTab: Command
    readonly repeatPrecedingCharacter: Command
    readonly eraseInDisplay: Command
  }
  readonly _charsetService: {
    readonly charset: Charset | undefined
    readonly glevel: number
    readonly _charsets: readonly (Charset | undefined)[]
  }
  readonly _oscLinkService: { getLinkData(urlId: number): Link | undefined }
  readonly coreService: {
    readonly isCursorHidden: boolean
    readonly decPrivateModes: {
      readonly cursorStyle: 'block' | 'underline' | 'bar' | undefined
      readonly cursorBlink: boolean | undefined
    }
  }
  readonly coreMouseService: { readonly activeEncoding: string }
}

/** What must be there, lest a snapshot lacks something without a word. */
const NEEDED = [
  'buffers.normal.tabs',
  'buffers.normal.scrollBottom',
  'buffers.alt.savedX',
  'buffers.active.savedY',
  'buffers.active.savedCurAttrData.extended._ext',
  '_inputHandler._curAttrData.extended.urlId',
  '_inputHandler._parser.precedingJoinState',
  '_inputHandler._parser.reset',
  '_inputHandler.parse',
  '_inputHandler.insertLines',
  '_inputHandler.deleteLines',
  '_inputHandler.scrollUp',
  '_inputHandler.scrollDown',
  '_inputHandler.cursorForwardTab',
  '_inputHandler.cursorBackwardTab',
  '_inputHandler.repeatPrecedingCharacter',
  '_inputHandler.eraseInDisplay',
  '_charsetService.glevel',
  '_charsetService._charsets',
  '_oscLinkService.getLinkData',
  'coreService.isCursorHidden',
  'coreService.decPrivateModes.origin',
  'coreMouseService.activeEncoding',
]

/** The only place that reaches into xterm.js. Throws where that has changed. */
export function coreOf(terminal: Terminal): Core {
  const core: unknown = Reflect.get(terminal, '_core')
  for (const path of NEEDED)
    if (at(core, path.split('.')) === undefined)
      throw new Error(`This xterm.js has no ${path}: its screen cannot be drawn`)
  return core as Core
}

function at(value: unknown, [key, ...path]: readonly string[]): unknown {
  if (key === undefined) return value
  return typeof value === 'object' && value !== null ? at(Reflect.get(value, key), path) : undefined
}

/** Those that xterm.js knows: one that has two letters is found by either. */
const LETTERS = ['0', 'A', '4', '5', 'R', 'Q', 'K', 'Y', '6', 'Z', '7', '=']

/** The letters by which character sets are chosen. To be asked before anything is written. */
export function charsetLetters({
  _inputHandler: input,
  _charsetService: service,
}: Core): Map<Charset, string> {
  const letters = new Map<Charset, string>()
  for (const letter of LETTERS) {
    input.parse(`\u001b(${letter}`)
    if (service.charset) letters.set(service.charset, letter)
  }
  input.parse('\u001b(B')
  return letters
}
