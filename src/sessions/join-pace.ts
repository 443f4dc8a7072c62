import { RelayError } from '../protocol/errors.ts'

/** Sessions whose last join a connection remembers. */
const MOST_REMEMBERED = 1000

interface Join {
  /** Ticks. */
  readonly at: number
}

/** [VW18] The joins of one connection: one that did not help must not be repeated in a circle. */
export class JoinPace {
  readonly #ticks: () => number
  readonly #everyMs: number
  /** The last of each session. */
  readonly #joins = new Map<string, Join>()

  constructor(ticks: () => number, everyMs: number) {
    this.#ticks = ticks
    this.#everyMs = everyMs
  }

  /** The answer says whether this is still the last one of the session. Throws `rate_limited`. */
  begin(chatSessionId: string): () => boolean {
    const now = this.#ticks()
    const last = this.#joins.get(chatSessionId)?.at ?? Number.NEGATIVE_INFINITY
    if (now - last < this.#everyMs) {
      const retryAfterMs = Math.ceil(last + this.#everyMs - now)
      throw new RelayError('rate_limited', 'This session was joined just now: wait a second.', {
        retryAfterMs,
      })
    }
    const join = { at: now }
    this.#joins.delete(chatSessionId)
    this.#joins.set(chatSessionId, join)
    const [oldest] = this.#joins.keys()
    if (this.#joins.size > MOST_REMEMBERED && oldest !== undefined) this.#joins.delete(oldest)
    return () => this.#joins.get(chatSessionId) === join
  }

  has(chatSessionId: string): boolean {
    return this.#joins.has(chatSessionId)
  }

  forget(chatSessionId: string): void {
    this.#joins.delete(chatSessionId)
  }
}
