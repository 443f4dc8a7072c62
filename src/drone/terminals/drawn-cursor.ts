import type { Terminal } from '@xterm/headless'
import { WIDE, charsOf } from './drawn-row.ts'
import type { Pen } from './pen.ts'
import type { Cell, Charset, Core } from './xterm-core.ts'

const ESCAPE = '\u001b'
const CSI = '\u001b['
/** The end of a string where there is none: only so much that nothing joins the character before it. */
const NOTHING = `${ESCAPE}\\`
const COMBINING = '\u0301'
/** What goes before the letter of a character set, and what then takes it into use. */
const SLOTS = ['(', ')', '*', '+']
const SHIFTS = ['', '\u000e', `${ESCAPE}n`, `${ESCAPE}o`]

export interface CursorDrawerOptions {
  readonly terminal: Terminal
  readonly core: Core
  readonly letters: ReadonlyMap<Charset, string>
  readonly pen: Pen
}

interface Written {
  readonly at: number
  readonly chars: string
  readonly columns: number
}

/**
 * Draws where a cursor stands, with all that it writes with: last of all, as what it has written last may have to be
 * written again. Only a character brings the cursor to where it waits behind the last column, and only right behind a
 * character does a combining one join it.
 */
export class CursorDrawer {
  readonly #options: CursorDrawerOptions
  readonly #before: Cell
  readonly #columns: number

  constructor(options: CursorDrawerOptions) {
    this.#options = options
    const { active } = options.terminal.buffer
    const line = active.getLine(active.baseY + active.cursorY)
    const x = Math.min(active.cursorX, options.terminal.cols)
    const [last, second] = [line?.getCell(x - 1), line?.getCell(x - 2)]
    const isSecondHalf = last?.getWidth() === 0 && second?.getWidth() === 2
    this.#columns = isSecondHalf ? 2 : 1
    this.#before = ((isSecondHalf ? second : last) ?? active.getNullCell()) as Cell
  }

  /** `modes` are put where they belong: all but that for insertion, which has to come late. */
  draw(modes: string): string {
    const { terminal, core, pen } = this.#options
    const { x, savedCharset } = core.buffers.active
    const { charset, glevel, _charsets: charsets } = core._charsetService
    const current = core._inputHandler._curAttrData
    const insert = terminal.modes.insertMode ? `${CSI}4h` : ''
    // A cursor that is restored brings its character set along, whatever is in use: there is no other way to get there.
    const isRestored = charset !== charsets[glevel] && charset === savedCharset
    const chosen = this.#charsets() + (isRestored ? `${ESCAPE}8${CSI}m` : '')

    const joined = this.#joined()
    if (joined) {
      const { at, chars, columns } = joined
      const room = insert === '' || columns === 0 ? '' : `${CSI}${columns}P`
      const there = chosen + modes + this.#place(at) + room + insert
      return there + pen.turn(current, current.extended) + this.#source(chars)
    }
    const there = x < terminal.cols ? this.#place(x) : this.#wait(isRestored)
    // Else what is written again is not to be replaced.
    const standing = isRestored ? chosen + modes + there : modes + there + chosen
    return standing + insert + pen.turn(current, current.extended)
  }

  /** Behind the last column, or one beyond: a combining character that joins nothing takes it there. */
  #wait(isRestored: boolean): string {
    const { terminal, core, pen } = this.#options
    const chars = charsOf(this.#before) || ' '
    const written = pen.turn(this.#before) + (isRestored ? this.#source(chars) : chars) + NOTHING
    const beyond = core.buffers.active.x - terminal.cols
    return this.#place(terminal.cols - this.#columns) + written + `${COMBINING}${NOTHING}`.repeat(beyond)
  }

  /** What was written last, where a combining character would still join it. */
  #joined(): Written | undefined {
    const { terminal, core } = this.#options
    const { x } = core.buffers.active
    const { _curAttrData: current, _parser: parser } = core._inputHandler
    if (parser.precedingJoinState === 0) return undefined
    const columns = (parser.precedingJoinState >> 1) & 3
    // It had no room, and was dropped: as it will be again.
    if (columns === 2 && x === terminal.cols - 1 && !terminal.modes.wraparoundMode)
      return { at: x, chars: WIDE, columns: 0 }
    const isSame = ((this.#before.fg ^ current.fg) | (this.#before.bg ^ current.bg)) === 0
    const chars = charsOf(this.#before)
    return isSame && columns === this.#columns && chars !== ''
      ? { at: x - columns, chars, columns }
      : undefined
  }

  #charsets(): string {
    const { core, letters } = this.#options
    const { glevel, _charsets: charsets } = core._charsetService
    const chosen = SLOTS.map((slot, level) => {
      const charset = charsets[level]
      const letter = charset && letters.get(charset)
      return letter === undefined ? '' : `${ESCAPE}${slot}${letter}`
    })
    return chosen.join('') + (SHIFTS[glevel] ?? '')
  }

  /** To a column of the cursor's row, from 0. */
  #place(x: number): string {
    const { terminal, core } = this.#options
    const { y, scrollTop } = core.buffers.active
    return place(x, terminal.modes.originMode ? y - scrollTop : y)
  }

  /** What has to be written for these to stand there, with the character set that is in use. */
  #source(chars: string): string {
    const { charset = {} } = this.#options.core._charsetService
    const source = Object.entries(charset).find(([, shown]) => shown.charAt(0) === chars.charAt(0))
    return source ? source[0] + chars.slice(1) : chars
  }
}

/** To a column and a row, from 0. */
export function place(x: number, y: number): string {
  return `${CSI}${y + 1};${x + 1}H`
}
