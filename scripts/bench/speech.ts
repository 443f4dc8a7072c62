import type { Speaker } from './links.ts'
import { Transcript } from './transcript.ts'

/** One cycle of a long turn: some thought, some text of a few KB, a tool call with its result. */
const THOUGHT_CHARS = 1024
const TEXT_CHARS = 3072
const PARAMS_CHARS = 200
const RESULT_CHARS = 800
/** What an agent says in one read of its output: the event loop turns between two of these. */
const READ_CHARS = 1024

/** Token `index` of a drone: always `size` long, ASCII, and unlike its neighbours. */
export function tokenAt(index: number, size: number): string {
  const word = ((index * 2_654_435_761) % 2 ** 32).toString(36)
  return `${word.padStart(size, 'abcdefgh').slice(-(size - 1))} `.slice(-size)
}

/** Says things and keeps what was said, to compare with what was heard. */
export class Speech {
  readonly transcript = new Transcript()
  readonly #speaker: Speaker
  readonly #tokenChars: number
  #tokens = 0
  #toolChars = 0
  #calls = 0

  constructor(speaker: Speaker, tokenChars: number) {
    this.#speaker = speaker
    this.#tokenChars = tokenChars
  }

  get tokens(): number {
    return this.#tokens
  }

  /** Everything said, also what a lane counts as 1. */
  get chars(): number {
    return this.#tokens * this.#tokenChars + this.#toolChars
  }

  token(mode: 'thinking' | 'responding' = 'responding'): Promise<void> | void {
    const text = tokenAt(this.#tokens++, this.#tokenChars)
    this.transcript.text(mode, text)
    return this.#speaker.text(mode, text)
  }

  /** A turn of about `chars`, as fast as the window allows. */
  async longTurn(chars: number): Promise<void> {
    const until = this.chars + chars
    while (this.chars < until) {
      await this.#tokensOf('thinking', THOUGHT_CHARS)
      await this.#tokensOf('responding', TEXT_CHARS)
      await this.#toolCall()
    }
  }

  end(): Promise<void> {
    return this.#speaker.end()
  }

  async #tokensOf(mode: 'thinking' | 'responding', chars: number): Promise<void> {
    for (let said = 0, read = 0; said < chars; said += this.#tokenChars) {
      await this.token(mode)
      read += this.#tokenChars
      if (read < READ_CHARS) continue
      read = 0
      await nextTurn()
    }
  }

  async #toolCall(): Promise<void> {
    const callId = `call-${++this.#calls}`
    const params = JSON.stringify({ path: tokenAt(this.#calls, PARAMS_CHARS - 20) })
    const result = tokenAt(this.#calls, 100).repeat(RESULT_CHARS / 100)
    this.#toolChars += params.length + result.length
    this.transcript.call(callId, 'read', params)
    await this.#speaker.call(callId, 'read', params)
    await nextTurn()
    this.transcript.result(callId, result)
    await this.#speaker.result(callId, result)
    await nextTurn()
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
