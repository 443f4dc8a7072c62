/** Something that a control client of tmux says. Text is latin1 throughout: a letter is a byte. */
export type ControlEvent =
  /** A program in a pane wrote it. */
  | { readonly kind: 'output'; readonly pane: string; readonly text: string }
  /** What a command printed; `isOurs` where it came from our input. */
  | {
      readonly kind: 'reply'
      readonly isOurs: boolean
      readonly isError: boolean
      readonly lines: readonly string[]
    }
  /** Something has happened: `%exit`, `%layout-change`, and what else there is. */
  | { readonly kind: 'notice'; readonly name: string; readonly words: readonly string[] }

/** Bytes of a line that are kept; a pane's output comes in far shorter ones. */
const MOST_LINE_BYTES = 1_048_576
/** Bytes of a reply that are kept: a screen of any sensible size, each of its cells in a colour of its own. */
const MOST_REPLY_BYTES = 8_388_608

const NEWLINE = 0x0a

interface Reply {
  /** Its time, number and flags: only a line with the same ones ends it, for a screen may show any other. */
  readonly guard: string
  readonly lines: string[]
  bytes: number
}

/** What `tmux -C` says, taken apart. What it does not know it leaves out, and what is too long it cuts off. */
export class ControlParser {
  #pieces: string[] = []
  #pieceBytes = 0
  #reply: Reply | undefined;

  *take(bytes: Buffer): Generator<ControlEvent> {
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#keep(bytes.subarray(from, end))
      from = end + 1
      const line = this.#pieces.join('')
      this.#pieces = []
      this.#pieceBytes = 0
      const event = this.#reply ? this.#takeReply(this.#reply, line) : this.#takeLine(line)
      if (event) yield event
    }
    this.#keep(bytes.subarray(from))
  }

  #keep(piece: Buffer): void {
    const kept = piece.subarray(0, MOST_LINE_BYTES - this.#pieceBytes)
    if (kept.length === 0) return
    this.#pieceBytes += kept.length
    this.#pieces.push(kept.toString('latin1'))
  }

  /** Replies do not nest, and nothing else comes between their lines. */
  #takeReply(reply: Reply, line: string): ControlEvent | undefined {
    const isError = line === `%error ${reply.guard}`
    if (isError || line === `%end ${reply.guard}`) {
      this.#reply = undefined
      return { kind: 'reply', isOurs: reply.guard.endsWith(' 1'), isError, lines: reply.lines }
    }
    reply.bytes += line.length + 1
    if (reply.bytes <= MOST_REPLY_BYTES) reply.lines.push(line)
    return undefined
  }

  #takeLine(line: string): ControlEvent | undefined {
    const output = /^%(?:output (%\d+) |extended-output (%\d+) .*? : )/s.exec(line)
    if (output) {
      const pane = output[1] ?? output[2] ?? ''
      return { kind: 'output', pane, text: unescaped(line.slice(output[0].length)) }
    }
    const guard = /^%begin (\d+ \d+ \d+)$/.exec(line)?.[1]
    if (guard !== undefined) {
      this.#reply = { guard, lines: [], bytes: 0 }
      return undefined
    }
    const [name = '', ...words] = line.split(' ')
    return /^%[a-z-]+$/.test(name) ? { kind: 'notice', name: name.slice(1), words } : undefined
  }
}

/** tmux writes control characters and backslashes as three octal digits. */
export function unescaped(text: string): string {
  return text.replaceAll(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 8)),
  )
}
