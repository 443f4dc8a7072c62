import { createHash } from 'node:crypto'
import type { TurnView } from '../../src/protocol/turn-view.ts'

/**
 * A running hash of what was said, the same however the texts were cut: the drone, every viewer and the store's reader
 * keep one each, and they must be equal. A result has to follow its call.
 */
export class Transcript {
  readonly #hash = createHash('sha256')
  #mode = ''
  /** As a lane counts: UTF-16 units of text, 1 for a call, 1 for a result. */
  length = 0
  #digest: string | undefined

  text(mode: string, text: string): void {
    if (mode !== this.#mode) this.#hash.update(`\n\u0001${mode}\n`)
    this.#mode = mode
    this.#hash.update(text)
    this.length += text.length
  }

  call(callId: string, name: string, params: string): void {
    this.#mode = ''
    this.#hash.update(`\n\u0002${JSON.stringify([callId, name, params])}\n`)
    this.length += 1
  }

  result(callId: string, response: string): void {
    this.#hash.update(`\n\u0003${JSON.stringify([callId, response])}\n`)
    this.length += 1
  }

  /** Nothing can be added after this. */
  digest(): string {
    this.#digest ??= this.#hash.digest('hex')
    return this.#digest
  }
}

/** The turn as the store gives it, told in the order in which it was said. */
export function transcriptOf({ blocks }: Pick<TurnView, 'blocks'>): Transcript {
  const transcript = new Transcript()
  for (const block of blocks) {
    if (block.mode !== 'tool') transcript.text(block.mode, block.content)
    else {
      const { callId, name, parameters, response } = block.content
      transcript.call(callId, name, parameters)
      transcript.result(callId, response)
    }
  }
  return transcript
}
