import type { Terminal } from '@xterm/headless'
import { Drawing } from './drawing.ts'
import type { DrawingOptions } from './drawing.ts'
import { Ground } from './ground.ts'
import { charsetLetters } from './xterm-core.ts'
import type { Charset, Core } from './xterm-core.ts'
import { openXterm } from './xterm.ts'

/** Lines above the screen that are kept. */
const SCROLLBACK = 1000
/** UTF-16 units of a snapshot: what a viewer may wait for, and a message may carry. */
const MOST_UNITS = 262_144
/** Bytes that are looked at together. */
const PIECE_BYTES = 64 * 1024
/** Bytes that are held back for the rest of what they have begun. */
const MOST_HELD_BYTES = 64 * 1024

export interface ScreenOptions {
  readonly cols: number
  readonly rows: number
  /** Bytes that were written before. */
  readonly offset?: number
  readonly scrollback?: number
  readonly mostUnits?: number
}

export interface Drawn {
  readonly offset: number
  readonly cols: number
  readonly rows: number
  readonly screen: string
}

/**
 * What a terminal shows, kept beside a program that writes to one. It never answers the program, and parses at once.
 *
 * A snapshot is for a new terminal of its size, and for xterm.js, whose state it restores: cells and what they look
 * like, links, which rows are wrapped, scrollback, both screens with their saved cursors, scroll regions and tab stops,
 * modes, character sets, and the cursor with all that it writes with, also where it waits behind the end of a row. It
 * does not restore:
 *
 * - a palette that was changed (`OSC 4`, `10` to `12`), titles, and that output is being held back (`?2026`);
 * - scrollback that is beyond its limit or for which there is no room, and whether the first line that is left had been
 *   wrapped;
 * - a cursor that was saved in a line that has gone since: it is saved in the nearest one;
 * - what a resize has cut off and a later one would show again: half a wide character, columns of the alternate screen,
 *   tab stops; and what a character would join that a resize has moved away;
 * - a link of more than 2048 units, and what combines with a character in more than 128;
 * - the wait behind a row whose last cell has been erased since: there is a space in it;
 * - whether rows are wrapped, where there is only one;
 * - what xterm.js itself mixes up: a cursor that is saved or restored within a link, into another style of underlining or
 *   from the other screen, or that came from there to where origin mode does not let it go; halves of wide characters
 *   beside each other; an alternate screen with scrollback, which it has where the terminal was made lower.
 *
 * Too large a snapshot is drawn again with half as much scrollback, until there is none; then without colours; then
 * with nothing but the state.
 */
export class Screen {
  readonly #terminal: Terminal
  readonly #core: Core
  readonly #letters: ReadonlyMap<Charset, string>
  readonly #mostUnits: number
  readonly #offset: number
  readonly #ground = new Ground()
  #taken = 0
  #settled = 0
  #held: Uint8Array[] = []
  #heldBytes = 0
  #isClosed = false

  constructor({ cols, rows, offset = 0, scrollback = SCROLLBACK, mostUnits = MOST_UNITS }: ScreenOptions) {
    const { terminal, core } = openXterm({ cols, rows, scrollback })
    this.#terminal = terminal
    this.#core = core
    this.#letters = charsetLetters(this.#core)
    this.#mostUnits = mostUnits
    this.#offset = offset
  }

  /** Takes what a program wrote. Resolves when it is parsed. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) return
    for (let from = 0; from < bytes.length; from += PIECE_BYTES)
      this.#take(bytes.subarray(from, from + PIECE_BYTES))
  }

  /** Takes effect after everything that was written before it, but for what is still cut in two. */
  resize(cols: number, rows: number): void {
    if (!this.#isClosed) this.#try(() => this.#terminal.resize(cols, rows))
  }

  /**
   * The screen as of the last place where nothing is cut in two: `offset` counts all bytes written before it. A terminal
   * of the same size that is fed `screen` and then the bytes after `offset` looks like one that was fed everything.
   */
  async draw(): Promise<Drawn> {
    if (this.#isClosed) throw new Error('The screen is closed')
    const { cols, rows } = this.#terminal
    return { offset: this.#offset + this.#settled, cols, rows, screen: this.#screen() }
  }

  close(): void {
    this.#isClosed = true
    this.#held = []
    this.#terminal.dispose()
  }

  #take(piece: Uint8Array): void {
    this.#settled = this.#ground.take(piece)
    this.#taken += piece.length
    const open = Math.min(piece.length, this.#taken - this.#settled)
    const settled = piece.length - open
    if (settled > 0) {
      this.#giveHeld()
      this.#give(piece.subarray(0, settled))
    }
    if (open === 0) return
    // A copy: it is kept longer than the writer knows.
    this.#held.push(piece.slice(settled))
    this.#heldBytes += open
    // A string as long as this shows nothing until its end: what is drawn still is the screen before it.
    if (this.#heldBytes > MOST_HELD_BYTES) this.#giveHeld()
  }

  #giveHeld(): void {
    for (const piece of this.#held) this.#give(piece)
    this.#held = []
    this.#heldBytes = 0
  }

  #give(piece: Uint8Array): void {
    this.#try(() => this.#core._inputHandler.parse(piece))
  }

  /** What xterm.js stumbles over is lost, with the rest of the piece: a screen is not worth a drone. */
  #try(action: () => void): void {
    try {
      action()
    } catch {
      this.#core._inputHandler._parser.reset()
    }
  }

  #screen(): string {
    const { normal } = this.#terminal.buffer
    let scrollback = normal.length - this.#terminal.rows
    let text = this.#drawing({ scrollback, detail: 'full' })
    while (text.length > this.#mostUnits && scrollback > 0) {
      scrollback = Math.floor(scrollback / 2)
      text = this.#drawing({ scrollback, detail: 'full' })
    }
    if (text.length > this.#mostUnits) text = this.#drawing({ scrollback, detail: 'plain' })
    return text.length > this.#mostUnits ? this.#drawing({ scrollback, detail: 'blank' }) : text
  }

  #drawing(how: Pick<DrawingOptions, 'scrollback' | 'detail'>): string {
    const from = { terminal: this.#terminal, core: this.#core, letters: this.#letters }
    return new Drawing({ ...from, ...how }).text()
  }
}
