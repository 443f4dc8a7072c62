import type { IBuffer, Terminal } from '@xterm/headless'
import { CursorDrawer, place } from './drawn-cursor.ts'
import { RowDrawer, column } from './drawn-row.ts'
import type { DrawnRow } from './drawn-row.ts'
import { Pen } from './pen.ts'
import type { Attributes, Cell, Charset, Core, CoreBuffer, Link } from './xterm-core.ts'

const ESCAPE = '\u001b'
const CSI = '\u001b['
/** UTF-16 units of a link: longer ones, which other terminals do not take either, are left out. */
const MOST_LINK_UNITS = 2048
/** Columns between the tab stops of a new terminal. */
const TAB = 8
const MOUSE = { none: '', x10: '9', vt200: '1000', drag: '1002', any: '1003' } as const
const MOUSE_ENCODINGS: Readonly<Record<string, string>> = { SGR: '1006', SGR_PIXELS: '1016' }
const CURSORS = { block: 1, underline: 3, bar: 5 } as const

const BLANK: DrawnRow = { text: '', isFull: false }

export interface DrawingOptions {
  readonly terminal: Terminal
  readonly core: Core
  readonly letters: ReadonlyMap<Charset, string>
  /** Lines of it that are drawn. */
  readonly scrollback: number
  /** Plain: without attributes. Blank: without rows. */
  readonly detail: 'full' | 'plain' | 'blank'
}

/** Writes down what makes a new terminal be as this one is, in the order in which a terminal has to hear it. */
export class Drawing {
  readonly #options: DrawingOptions
  readonly #pen: Pen
  /** One cell for all that are looked at: there are many. */
  readonly #cell: Cell
  readonly #blank: Attributes

  constructor(options: DrawingOptions) {
    this.#options = options
    this.#pen = new Pen((urlId) => this.#linkOf(urlId))
    const { active } = options.terminal.buffer
    this.#cell = active.getNullCell() as Cell
    this.#blank = active.getNullCell() as Cell
  }

  text(): string {
    const { terminal, core, letters, scrollback } = this.#options
    const { normal, alt, active } = core.buffers
    return [
      active === normal ? this.#hiddenSave(alt) : '',
      this.#buffer(terminal.buffer.normal, normal, scrollback),
      active === alt ? `${place(normal.x, normal.y)}${CSI}?47h${CSI}H` : '',
      active === alt ? this.#buffer(terminal.buffer.alternate, alt, 0) : '',
      new CursorDrawer({ terminal, core, letters, pen: this.#pen }).draw(this.#modes()),
    ].join('')
  }

  #linkOf(urlId: number): Link | undefined {
    const link = this.#options.core._oscLinkService.getLinkData(urlId)
    return link && link.uri.length + (link.id?.length ?? 0) <= MOST_LINK_UNITS ? link : undefined
  }

  /** What a terminal keeps of its alternate screen while it does not show it. */
  #hiddenSave(alt: CoreBuffer): string {
    if (!hasSaved(alt)) return ''
    return `${CSI}?47h${CSI}${alt.savedY + 1}d${this.#save(alt)}${CSI}?47l${CSI}H`
  }

  #buffer(view: IBuffer, core: CoreBuffer, scrollback: number): string {
    const { rows, cols } = this.#options.terminal
    const first = Math.max(0, view.length - rows - scrollback)
    return this.#rows(view, core, first) + tabStops(core, cols) + scrollRegion(core, rows)
  }

  #rows(view: IBuffer, core: CoreBuffer, first: number): string {
    const { terminal, detail } = this.#options
    const drawer = new RowDrawer({
      cols: terminal.cols,
      cell: this.#cell,
      blank: this.#blank,
      linkOf: (urlId) => this.#linkOf(urlId),
      isPlain: detail === 'plain',
    })
    const saved = hasSaved(core) ? Math.min(Math.max(core.savedY, first), view.length - 1) : -1
    let text = ''
    let enter = ''
    for (let row = first; row < view.length; row++) {
      const line = view.getLine(row)
      if (!line) break
      const drawn = detail === 'blank' ? BLANK : drawer.draw(line, this.#pen)
      const next = row + 1 < view.length && detail !== 'blank' ? view.getLine(row + 1) : undefined
      const { before, after } = joint(next?.isWrapped ?? false, drawn.isFull, terminal)
      const save = row === saved ? this.#save(core) : ''
      text += enter + save + before + drawn.text + this.#pen.turn(this.#blank)
      enter = after
    }
    return text
  }

  /** Saves what was saved, from within its row before that is drawn, and returns to the first column. */
  #save({ savedX, savedCurAttrData: attributes, savedCharset: charset }: CoreBuffer): string {
    const { cols } = this.#options.terminal
    const letter = charset && this.#options.letters.get(charset)
    const [choose, undo] = letter === undefined ? ['', ''] : [`${ESCAPE}(${letter}`, `${ESCAPE}(B`]
    const pen = new Pen(() => undefined)
    const last = column(cols - 1)
    // It may have waited behind the last column.
    const [there, back] = savedX < cols ? [column(savedX), '\r'] : [`${last} `, `${last}${CSI}X\r`]
    return there + choose + pen.turn(attributes) + `${ESCAPE}7` + pen.turn(this.#blank) + undo + back
  }

  #modes(): string {
    const { terminal, core } = this.#options
    const { modes, options } = terminal
    const { cursorStyle, cursorBlink } = core.coreService.decPrivateModes
    const set = [
      modes.applicationCursorKeysMode ? '1' : '',
      modes.originMode ? '6' : '',
      options.cursorBlink === true ? '12' : '',
      modes.reverseWraparoundMode ? '45' : '',
      modes.applicationKeypadMode ? '66' : '',
      MOUSE[modes.mouseTrackingMode],
      MOUSE_ENCODINGS[core.coreMouseService.activeEncoding] ?? '',
      modes.sendFocusMode ? '1004' : '',
      modes.bracketedPasteMode ? '2004' : '',
    ]
    const reset = [modes.wraparoundMode ? '' : '7', core.coreService.isCursorHidden ? '25' : '']
    return [
      ...set.filter((mode) => mode !== '').map((mode) => `${CSI}?${mode}h`),
      ...reset.filter((mode) => mode !== '').map((mode) => `${CSI}?${mode}l`),
      options.convertEol === true ? `${CSI}20h` : '',
      cursorStyle ? `${CSI}${CURSORS[cursorStyle] + (cursorBlink === true ? 0 : 1)} q` : '',
    ].join('')
  }
}

/** What is to be written before a row is drawn, and after it, to be in the first column of the next. */
function joint(wraps: boolean, isFull: boolean, { cols, rows }: Terminal): { before: string; after: string } {
  if (!wraps || (!isFull && rows === 1)) return { before: '', after: '\r\n' }
  if (isFull) return { before: '', after: ` \r${CSI}X` }
  const last = column(cols - 1)
  // Its last cell is empty: it has to wrap before it is drawn.
  return { before: `${last}  ${CSI}A${last}${CSI}X\r`, after: `\r${CSI}B${CSI}X` }
}

function hasSaved({ savedX, savedY, savedCurAttrData: { fg, bg }, savedCharset }: CoreBuffer): boolean {
  return savedX !== 0 || savedY !== 0 || fg !== 0 || bg !== 0 || savedCharset !== undefined
}

function tabStops({ tabs }: CoreBuffer, cols: number): string {
  const columns = Array.from({ length: cols }, (_, x) => x)
  if (columns.every((x) => (tabs[x] ?? false) === (x % TAB === 0))) return ''
  const stops = columns.filter((x) => tabs[x])
  return `${CSI}3g${stops.map((x) => `${column(x)}${ESCAPE}H`).join('')}`
}

function scrollRegion({ scrollTop, scrollBottom }: CoreBuffer, rows: number): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? '' : `${CSI}${scrollTop + 1};${scrollBottom + 1}r`
}
