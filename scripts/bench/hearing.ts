import { Transcript } from './transcript.ts'

/** Complaints of one viewer that are kept; more of the same say nothing new. */
const MAX_WRONG = 3

/** What one viewer heard of one turn: each word exactly once and in order, or it says what was wrong. */
export class Hearing {
  readonly name: string
  readonly transcript = new Transcript()
  readonly wrong: string[] = []
  /** Events with words in them. */
  events = 0
  /** Called with the range that was just heard. */
  onHeard: ((from: number, to: number) => void) | undefined
  readonly whenOver: Promise<void>
  #resolveOver: () => void = () => undefined
  #waiting: { readonly length: number; readonly resolve: () => void }[] = []
  #isOver = false

  constructor(name: string) {
    this.name = name
    this.whenOver = new Promise((resolve) => (this.#resolveOver = resolve))
  }

  get isOver(): boolean {
    return this.#isOver
  }

  text(mode: string, text: string, offset: number): void {
    if (this.#fits(offset, 'text')) this.transcript.text(mode, text)
    this.#heard(offset)
  }

  call(callId: string, name: string, params: string, offset: number): void {
    if (this.#fits(offset, 'call')) this.transcript.call(callId, name, params)
    this.#heard(offset)
  }

  result(callId: string, response: string, offset: number): void {
    if (this.#fits(offset, 'result')) this.transcript.result(callId, response)
    this.#heard(offset)
  }

  /** The turn has ended, with this head where one was told. */
  over(status: string, head: number | undefined): void {
    if (status !== 'finished') this.complain(`the turn ended as ${status}`)
    if (head !== undefined && head !== this.transcript.length)
      this.complain(`the end was told at ${head}, heard were ${this.transcript.length}`)
    this.#isOver = true
    this.#resolveOver()
  }

  complain(what: string): void {
    if (this.wrong.length < MAX_WRONG) this.wrong.push(`${this.name}: ${what}`)
  }

  whenLength(length: number): Promise<void> {
    if (this.transcript.length >= length) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ length, resolve }))
  }

  #fits(offset: number, kind: string): boolean {
    const { length } = this.transcript
    if (offset === length && !this.#isOver) return true
    const why = this.#isOver ? 'after the end' : offset < length ? 'again' : 'after a gap'
    this.complain(`${kind} at ${offset} came ${why} (heard were ${length})`)
    return false
  }

  #heard(from: number): void {
    this.events += 1
    const { length } = this.transcript
    if (length > from) this.onHeard?.(from, length)
    if (this.#waiting.length === 0) return
    for (const { length: wanted, resolve } of this.#waiting) if (wanted <= length) resolve()
    this.#waiting = this.#waiting.filter(({ length: wanted }) => wanted > length)
  }
}
