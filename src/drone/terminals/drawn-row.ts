import type { IBufferLine } from '@xterm/headless'
import { Pen } from './pen.ts'
import type { Attributes, Cell, Link } from './xterm-core.ts'

const CSI = '\u001b['
/** Two columns wide, and nothing to be seen. */
export const WIDE = '\u3000'
/** UTF-16 units of a character with all that combines with it. */
const MOST_CELL_UNITS = 128
/** Of `bg`, what an erased cell keeps: its colour. */
const COLOUR = 0x03ffffff

export interface DrawnRow {
  readonly text: string
  /** The cursor waits behind the last column: the next character wraps. */
  readonly isFull: boolean
}

export interface RowDrawerOptions {
  readonly cols: number
  /** Both have no attributes. */
  readonly cell: Cell
  readonly blank: Attributes
  readonly linkOf: (urlId: number) => Link | undefined
  /** Without attributes, and of each cell only the first character. */
  readonly isPlain: boolean
}

/** Draws rows where nothing was, beginning with the cursor in their first column. */
export class RowDrawer {
  readonly #options: RowDrawerOptions
  readonly #cell: Cell

  constructor(options: RowDrawerOptions) {
    this.#options = options
    this.#cell = options.cell
  }

  /** The pen has to be without attributes, and may have some afterwards. */
  draw(line: IBufferLine, pen: Pen): DrawnRow {
    const { cols, isPlain } = this.#options
    const orphans: number[] = []
    const inked: number[] = []
    let text = ''
    let skipped = 0
    let isFull = false
    for (let x = 0; x < cols;) {
      const cell = this.#at(line, x)
      const width = cell.getWidth()
      const chars = x + width > cols ? '' : charsOf(cell, isPlain)
      if (chars === '') {
        const erased = isPlain ? 0 : this.#erasedIn(line, x)
        if (erased > 0) text += forward(skipped) + pen.turn(this.#at(line, x)) + `${CSI}${erased}X`
        else if (width === 0) orphans.push(x)
        else if (cell.fg !== 0 || cell.bg !== 0) inked.push(x)
        skipped = erased > 0 ? erased : skipped + 1
        x += erased > 0 ? erased : 1
      } else {
        text += forward(skipped)
        skipped = 0
        // A control sequence, so that a character without width stays in a cell of its own.
        if (width === 0) text += column(x)
        text += isPlain ? chars : pen.turn(cell) + chars
        x += Math.max(width, 1)
        isFull = x === cols
      }
    }
    const isOrdinary = isPlain || orphans.length + inked.length === 0
    return { text: isOrdinary ? text : `${this.#drawOdd(line, orphans, inked)}\r${text}`, isFull }
  }

  /** How many cells from `x` on were erased with the same colour, which is not that of a new row. */
  #erasedIn(line: IBufferLine, x: number): number {
    const { bg } = this.#at(line, x)
    if (bg === 0) return 0
    let end = x
    for (; end < this.#options.cols; end++) {
      const cell = this.#at(line, end)
      const isErased = cell.getChars() === '' && cell.getWidth() === 1 && cell.fg === 0
      if (!isErased || cell.bg !== bg || (bg & ~COLOUR) !== 0) break
    }
    return end - x
  }

  /**
   * Empty cells as only an accident leaves them behind, by the same accident: the second half of a wide character whose
   * first half is gone, and what had been one and was overwritten, with attributes.
   */
  #drawOdd(line: IBufferLine, orphans: readonly number[], inked: readonly number[]): string {
    const { cols, blank, linkOf } = this.#options
    const pen = new Pen(linkOf)
    let text = ''
    for (const x of orphans) {
      const from = x < cols - 1 ? x - 1 : x - 2
      if (from < 0) continue
      text += column(from) + pen.turn(this.#at(line, x)) + WIDE + pen.turn(blank)
      text += `${column(from + 1)}${CSI}@`
      if (from === x - 1) text += `${column(from)}${CSI}P`
    }
    // Each spoils the cell beside it: that must not be one of them.
    let first = 0
    while (inked[first] === first) first++
    for (const x of [...inked.slice(0, first), ...inked.slice(first).toReversed()]) {
      const over = x < first ? x + 1 : x - 1
      if (over === cols) continue
      text += column(Math.min(x, over)) + WIDE + column(over)
      text += `${pen.turn(this.#at(line, x))} ${pen.turn(blank)}${column(over)}${CSI}X`
    }
    return text
  }

  #at(line: IBufferLine, x: number): Cell {
    return (line.getCell(x, this.#cell) as Cell | undefined) ?? this.#cell
  }
}

/** Of more than anybody writes into one, only the first. */
export function charsOf(cell: Cell, isPlain = false): string {
  const chars = cell.getChars()
  if (chars.length <= 2 || (chars.length <= MOST_CELL_UNITS && !isPlain)) return chars
  return String.fromCodePoint(chars.codePointAt(0) ?? 0)
}

/** To a column, from 0. */
export function column(x: number): string {
  return `${CSI}${x + 1}G`
}

function forward(columns: number): string {
  return columns === 0 ? '' : `${CSI}${columns}C`
}
