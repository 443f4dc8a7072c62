import type { Terminal } from '@xterm/headless'
import type { Attributes, Cell, Core, CoreBuffer } from '../../src/drone/terminals/xterm-core.ts'
import type { Xterm } from '../../src/drone/terminals/xterm.ts'

/** In `fg`. */
const UNDERLINE = 0x10000000
/** Of `bg`. */
const COLOUR = 0x03ffffff

type Line = ReturnType<Terminal['buffer']['active']['getLine']>

/** All that a terminal shows, and all that decides what it will. */
export function stateOf({ terminal, core }: Xterm) {
  const { modes, options } = terminal
  const { buffers, coreService, coreMouseService, _charsetService: service, _inputHandler: input } = core
  const inAlternate = buffers.active === buffers.alt
  return {
    size: [terminal.cols, terminal.rows],
    normal: bufferOf(terminal, core, buffers.normal, true),
    alternate: bufferOf(terminal, core, buffers.alt, inAlternate),
    inAlternate,
    cursor: [buffers.active.x, buffers.active.y],
    writes: looksOf(core, input._curAttrData),
    modes: { ...modes, synchronizedOutputMode: false },
    options: [options.convertEol, options.cursorBlink],
    charsets: [service.charset, service.glevel, ...[0, 1, 2, 3].map((slot) => service._charsets[slot])],
    shown: [coreService.isCursorHidden, coreMouseService.activeEncoding],
    style: [coreService.decPrivateModes.cursorStyle, coreService.decPrivateModes.cursorBlink],
    joins: input._parser.precedingJoinState >> 1,
  }
}

/** A link is forgotten with the lines in which it was first seen, and in a snapshot those are others. */
export function withoutLinks(state: ReturnType<typeof stateOf>): unknown {
  return JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === 'link' ? '' : value)))
}

function bufferOf(terminal: Terminal, core: Core, buffer: CoreBuffer, isThere: boolean) {
  const view = buffer === core.buffers.alt ? terminal.buffer.alternate : terminal.buffer.normal
  const { scrollTop, scrollBottom, savedX, savedY, savedCharset, savedCurAttrData, tabs } = buffer
  const rows = Array.from({ length: view.length }, (_, row) => rowOf(terminal, core, view.getLine(row)))
  return {
    rows: isThere ? rows : [],
    base: view.baseY,
    region: [scrollTop, scrollBottom],
    tabs: isThere ? Array.from({ length: terminal.cols }, (_, x) => tabs[x] ?? false) : [],
    saved: [Math.min(savedX, terminal.cols), savedY, savedCharset, looksOf(core, savedCurAttrData)],
  }
}

function rowOf({ cols }: Terminal, core: Core, line: Line) {
  const cells = Array.from({ length: cols }, (_, x) => {
    const cell = line?.getCell(x) as Cell
    return { chars: cell.getChars(), width: cell.getWidth(), ...looksOf(core, cell) }
  })
  return { isWrapped: line?.isWrapped, cells }
}

function looksOf(core: Core, of: Attributes) {
  const isUnderlined = (of.fg & UNDERLINE) !== 0
  const extended = of.hasExtendedAttrs() ? of.extended : undefined
  const link = extended?.urlId ? core._oscLinkService.getLinkData(extended.urlId)?.uri : undefined
  const flags = [of.isBold(), of.isDim(), of.isItalic(), of.isBlink(), of.isInverse(), of.isInvisible()]
  const more = [of.isStrikethrough(), of.isOverline(), of.isProtected(), isUnderlined]
  return {
    colours: [of.getFgColorMode(), of.getFgColor(), of.getBgColorMode(), of.getBgColor()].join(' '),
    flags: [...flags, ...more].map((flag) => (flag ? 1 : 0)).join(''),
    underline: isUnderlined ? styleOf(extended) || 1 : 0,
    underlineColour: isUnderlined ? paletteOrColour(extended?.underlineColor ?? 0) : 0,
    link: link ?? '',
  }
}

function styleOf(extended: Attributes['extended'] | undefined): number {
  return ((extended?._ext ?? 0) >> 26) & 7
}

/** What is left of the colour before it means nothing. */
function paletteOrColour(colour: number): number {
  return colour >>> 24 === 2 ? colour & 0x020000ff : colour
}

/** Why a snapshot cannot restore this state: what the docstring of `Screen` says. */
export function unrestorable({ terminal, core }: Xterm): string | undefined {
  const { cols, rows } = terminal
  const { normal, alt, active } = core.buffers
  const { charset, glevel, _charsets: charsets } = core._charsetService
  for (const buffer of [normal, alt]) {
    const view = buffer === alt ? terminal.buffer.alternate : terminal.buffer.normal
    const lines = Array.from({ length: view.length }, (_, row) => view.getLine(row))
    if (lines[0]?.isWrapped) return 'the first line was wrapped'
    if (lines.some((line) => line?.length !== cols)) return 'columns of the alternate screen are hidden'
    if (lines.some((line) => hasHalves(line, cols))) return 'halves of wide characters'
    if (buffer.savedY >= Math.max(rows, view.length)) return 'the line of the saved cursor has gone'
    if (Object.keys(buffer.tabs).some((x) => Number(x) >= cols)) return 'tab stops are cut off'
    const { savedCurAttrData: saved } = buffer
    if (saved.hasExtendedAttrs() && (saved.fg & UNDERLINE) === 0) return 'a cursor was saved within a link'
  }
  const { lines } = alt as CoreBuffer & { lines: { maxLength: number } }
  if (lines.maxLength !== rows || terminal.buffer.alternate.baseY !== 0)
    return 'the alternate screen has scrollback'
  const view = terminal.buffer.active
  const last = view.getLine(view.baseY + active.y)?.getCell(cols - 1)
  if (active.x >= cols && last?.getChars() === '' && last.getWidth() === 1) return 'waits behind nothing'
  const isOutside = active.y < active.scrollTop || active.y > active.scrollBottom
  if (terminal.modes.originMode && isOutside)
    return 'a switch of screens has put the cursor out of its region'
  if (charset !== charsets[glevel] && charset !== active.savedCharset)
    return 'a character set of the other screen'
  return isTorn(core._inputHandler._curAttrData) ? 'a cursor was restored into another underline' : undefined
}

/** A wide character without its second half, or such a half where a snapshot cannot bring it about. */
function hasHalves(line: Line, cols: number): boolean {
  const cells = Array.from({ length: cols }, (_, x) => line?.getCell(x) as Cell)
  return cells.some((cell, x) => {
    const [before, after] = [cells[x - 1], cells[x + 1]]
    const isHalf = cell.getWidth() === 0 && cell.getChars() === ''
    if (cell.getWidth() === 2) return !(after?.getWidth() === 0 && after.getChars() === '')
    if (!isHalf || before?.getWidth() === 2) return false
    const isAlone = isErased(before) && (after?.getChars() !== '' || isErased(after))
    return !isAlone || x > cols - 3
  })
}

/** Of an erased cell, no more than the colour is kept. */
function isErased(cell: Cell | undefined): boolean {
  return cell?.getChars() === '' && cell.getWidth() === 1 && cell.fg === 0 && (cell.bg & ~COLOUR) === 0
}

/** The style of an underline is not saved with the cursor, but that there is one is. */
function isTorn(current: Attributes): boolean {
  const isUnderlined = (current.fg & UNDERLINE) !== 0
  const hasStyle = styleOf(current.extended) !== 0
  const isFlagged = current.hasExtendedAttrs() !== 0
  return hasStyle !== isUnderlined || isFlagged !== (isUnderlined || current.extended.urlId !== 0)
}
