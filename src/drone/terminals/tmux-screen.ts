import { unescaped } from './tmux-control.ts'

/** Modes of a terminal by the variables in which tmux tells them; those that it does not know are empty. */
const MODES = {
  cursor_flag: '?25',
  insert_flag: '4',
  keypad_cursor_flag: '?1',
  wrap_flag: '?7',
  mouse_standard_flag: '?1000',
  mouse_button_flag: '?1002',
  mouse_all_flag: '?1003',
  mouse_utf8_flag: '?1005',
  mouse_sgr_flag: '?1006',
  bracket_paste_flag: '?2004',
}

const VARIABLES = [
  'pane_id window_id session_id window_visible_layout pane_width pane_tabs cursor_x cursor_y alternate_on',
  'alternate_saved_x alternate_saved_y scroll_region_upper scroll_region_lower origin_flag keypad_flag',
  ...Object.keys(MODES),
].flatMap((names) => names.split(' '))
const MARK = 'screen;'

/**
 * Asks for the active pane. One line, so that nothing comes between: what it shows, what the other screen does where it
 * has two, and what it has begun to read.
 */
export const ASK_SCREEN = [
  `display-message -p '${MARK}${VARIABLES.map((name) => `#{${name}}`).join(';')}'`,
  'capture-pane -p -e -N',
  'capture-pane -p -e -N -a -q',
  'capture-pane -p -P -C',
].join(' ; ')

const ESC = '\u001b'
const CSI = `${ESC}[`
/** Shift in: letters are letters. */
const SI = '\u000f'
/** Ends what a terminal has begun to read. */
const CANCEL = '\u0018'
/** With the lines of DEC where tmux shifts out, no matter what the program has there. */
const LETTERS = `${ESC}(B${ESC})0${SI}`
const PLAIN = `${CSI}m${SI}`
/** What tmux says of the cells of a row beside their letters, and goes on from row to row. */
// oxlint-disable-next-line no-control-regex
const STYLES = /\u001b\[[\d;:]*m|[\u000e\u000f]/g

/**
 * What a pane shows, drawn for a terminal of its size. tmux does not tell, and so it is not restored: the style with
 * which the program writes on and its character sets, the cursor that it has saved, whether rows are wrapped, links
 * (before 3.4), what has been erased in colour behind the text of a row (before 3.4), bracketed paste (before 3.7),
 * reports of the focus, the shape of the cursor, and the first bytes of a character that is cut in two.
 */
export class TmuxScreen {
  /** Of the commands. */
  static readonly replies = 4

  readonly pane: string
  readonly #values: ReadonlyMap<string, string>
  readonly #shown: readonly string[]
  readonly #other: readonly string[]
  readonly #begun: string

  constructor([told = [], shown = [], other = [], begun = []]: readonly (readonly string[])[]) {
    const values = (told[0] ?? '').slice(MARK.length).split(';')
    this.#values = new Map(VARIABLES.map((name, index) => [name, values[index] ?? '']))
    this.pane = this.#value('pane_id')
    this.#shown = shown
    this.#other = other
    this.#begun = unescaped(begun.join('\n'))
  }

  /** Whether these are the lines of its first reply. */
  static begins(lines: readonly string[]): boolean {
    return lines[0]?.startsWith(MARK) ?? false
  }

  /** Whether a notice tells of another pane or layout. A terminal that needs no new screen keeps what tmux cannot tell. */
  isOutdated(name: string, [first, second, third]: readonly string[]): boolean {
    const [window, session] = [this.#value('window_id'), this.#value('session_id')]
    switch (name) {
      case 'layout-change':
        return first === window && third !== this.#value('window_visible_layout')
      case 'window-pane-changed':
        return first === window && second !== this.pane
      case 'session-window-changed':
        return first === session && second !== window
      case 'session-changed':
        return first !== session
      default:
        return false
    }
  }

  /** What a terminal of so many rows is to be told; all of it is reset where it has shown another pane. */
  draw({ rows, isOther }: { readonly rows: number; readonly isOther: boolean }): string {
    const isAlternate = this.#number('alternate_on') === 1
    return [
      CANCEL,
      isOther ? `${ESC}c` : '',
      `${CSI}?1049l${CSI}!p${CSI}4l${CSI}?7l${PLAIN}${LETTERS}${CSI}2J`,
      isAlternate ? this.#mainScreen(rows) : '',
      drawnRows(this.#shown.slice(0, rows)),
      PLAIN,
      this.#tabs(),
      this.#region(rows),
      this.#number('keypad_flag') === 1 ? `${ESC}=` : `${ESC}>`,
      this.#cursor(),
      this.#modes(),
      `${PLAIN}${ESC})B`,
      this.#begun,
    ].join('')
  }

  /** The one that comes back when the program leaves the alternate screen. */
  #mainScreen(rows: number): string {
    const at = place(this.#number('alternate_saved_y'), this.#number('alternate_saved_x'))
    return `${drawnRows(this.#other.slice(0, rows))}${PLAIN}${at}${CSI}?1049h${CSI}2J`
  }

  #tabs(): string {
    const tabs = this.#value('pane_tabs').split(',').filter(Boolean)
    return `${CSI}3g${tabs.map((tab) => `${CSI}${Number(tab) + 1}G${ESC}H`).join('')}`
  }

  #region(rows: number): string {
    const upper = this.#number('scroll_region_upper')
    const lower = this.#number('scroll_region_lower')
    // Also where the pane is lower than the terminal: it scrolls by itself.
    const region = upper === 0 && lower === rows - 1 ? '' : `${CSI}${upper + 1};${lower + 1}r`
    return this.#number('origin_flag') === 1 ? `${region}${CSI}?6h` : region
  }

  #cursor(): string {
    const x = this.#number('cursor_x')
    const y = this.#number('cursor_y')
    const row = this.#number('origin_flag') === 1 ? y - this.#number('scroll_region_upper') : y
    if (x < this.#number('pane_width')) return place(row, x)
    // It waits behind the end of its row, which it does only where something is written there.
    const styles = this.#shown.slice(0, y).join('').match(STYLES)?.join('') ?? ''
    return `${place(row, 0)}${styles}${this.#shown[y] ?? ''}`
  }

  /** Off before on: turning one kind of mouse off turns off all of them. */
  #modes(): string {
    const switched = (value: string, to: string): string =>
      Object.entries(MODES)
        .map(([name, mode]) => (this.#value(name) === value ? `${CSI}${mode}${to}` : ''))
        .join('')
    return switched('0', 'l') + switched('1', 'h')
  }

  #value(name: string): string {
    return this.#values.get(name) ?? ''
  }

  #number(name: string): number {
    return Number(this.#value(name))
  }
}

function drawnRows(rows: readonly string[]): string {
  return rows.map((row, y) => (row === '' ? '' : `${place(y, 0)}${row}`)).join('')
}

function place(y: number, x: number): string {
  return `${CSI}${y + 1};${x + 1}H`
}
