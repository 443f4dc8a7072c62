import { randomUUID } from 'node:crypto'

/** What has been heard before the mark, and the status that stands in it. */
export interface Marked {
  readonly bytes: Buffer
  /** The mark was seen: the program has ended so, and nothing of it comes any more. */
  readonly status?: number
}

const ESCAPE = '\u001b'
const BELL = 0x07
/** Digits of an exit status, and some. */
const MOST_DIGITS = 8

/**
 * The end of a program, in the stream of what it says. libuv takes a hang-up that comes with a short read for the end,
 * and reads from a terminal are short: what a program says last would be lost (most of a second's worth, three times in
 * four). So a shell stays behind in the terminal, says with which status the program has ended, and waits: as long as it
 * does nothing hangs up, and what came before the mark is everything.
 */
export class EndMark {
  readonly #begin: Buffer
  readonly #token = randomUUID()
  #held = Buffer.alloc(0)

  constructor() {
    this.#begin = Buffer.from(`${ESCAPE}]7777;${this.#token};`)
  }

  /** The program as it is to be run. The shell outlives signals for the program, which gets them as if it were alone. */
  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    const script = [
      // Not SIGHUP: only the first process of a terminal is told that it hangs up, and all go when that one does.
      'trap : INT QUIT TERM',
      // What the shell has to say of the program's end is no word of the program.
      'exec 3>&2 2>/dev/null',
      '"$@" 2>&3 3>&-',
      `printf '\\033]7777;${this.#token};%d\\007' "$?"`,
      // Until it is killed, or the terminal goes with the drone.
      'while test -t 0; do read -r _ || sleep 1; done',
    ].join('; ')
    return { command: 'sh', args: ['-c', script, 'sh', command, ...args] }
  }

  /** Takes what was read; what may be the beginning of the mark is held back until it is clear. */
  take(read: Buffer): Marked {
    const bytes = this.#held.length === 0 ? read : Buffer.concat([this.#held, read])
    const at = bytes.indexOf(this.#begin)
    if (at >= 0) {
      const from = at + this.#begin.length
      const end = bytes.indexOf(BELL, from)
      if (end >= 0) {
        this.#held = Buffer.alloc(0)
        return { bytes: bytes.subarray(0, at), status: Number(bytes.subarray(from, end).toString('latin1')) }
      }
      if (bytes.length - from <= MOST_DIGITS) return this.#hold(bytes, at)
    }
    return this.#hold(bytes, bytes.length - this.#beginningAtEnd(bytes))
  }

  /** What was held back after all: no mark comes any more. */
  rest(): Buffer {
    return this.#held
  }

  #hold(bytes: Buffer, from: number): Marked {
    // A copy: what was read may be used again by whoever read it.
    this.#held = Buffer.from(bytes.subarray(from))
    return { bytes: bytes.subarray(0, from) }
  }

  /** How many of the last bytes could be the first of the mark. */
  #beginningAtEnd(bytes: Buffer): number {
    for (let length = Math.min(bytes.length, this.#begin.length - 1); length > 0; length--)
      if (bytes.subarray(bytes.length - length).equals(this.#begin.subarray(0, length))) return length
    return 0
  }
}
