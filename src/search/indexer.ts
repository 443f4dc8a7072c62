import { setImmediate } from 'node:timers/promises'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import { backoffMs } from '../turns/backoff.ts'
import type { Clock } from '../turns/clock.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import { wordsOf } from './terms.ts'
import { textsOf } from './turn-text.ts'

/** Turns that wait to be indexed: further ones are found in the store again when these are through. */
const MOST_WAITING = 10_000
/** Turns that are indexed at the same time: they share commits. */
const AT_ONCE = 4
/** The waits for a store that is away. */
const AGAIN = { firstMs: 500, longestMs: 30_000 } as const
/** UTF-16 units that are taken apart at a time, and terms written at a time: tokens go on in between. */
const UNITS_AT_A_TIME = 8192
const TERMS_AT_A_TIME = 128

interface Logger {
  warn(message: string, meta?: object): void
  error(message: string, meta?: object): void
}

export interface IndexerOptions {
  readonly store: Pick<TurnStore, 'search' | 'readTurn' | 'readLane'>
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
}

/**
 * [FT5] Puts turns into the index after they have ended, a few at a time and beside everything else. That a turn has to
 * get there is stored with its end: a relay that dies before it got there finds it again.
 */
export class Indexer {
  readonly #options: IndexerOptions
  readonly #waiting = new Set<string>()
  #overflowed = false
  #isRunning = false
  #closed = false
  #wake: () => void = () => undefined

  constructor(options: IndexerOptions) {
    this.#options = options
  }

  /** The end of a turn is stored. */
  ended(turnId: string): void {
    if (this.#closed) return
    if (this.#waiting.size < MOST_WAITING) this.#waiting.add(turnId)
    else this.#overflowed = true
    this.#start()
  }

  /** Those that an earlier process did not get to. */
  recall(): void {
    this.#overflowed = true
    this.#start()
  }

  /** What waits is found again after the next start. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  #start(): void {
    if (this.#isRunning || this.#closed) return
    this.#isRunning = true
    void this.#run()
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#closed;) {
      try {
        if (!(await this.#next())) break
        failures = 0
      } catch (error) {
        failures += 1
        const waitMs = backoffMs(failures, { ...AGAIN, random: this.#options.random })
        this.#options.logger.warn('A turn could not be put into the search index yet.', {
          waitMs,
          error: String(error),
        })
        await this.#pause(waitMs)
      }
    }
    this.#isRunning = false
    // Some may have come while it was about to stop.
    if (this.#waiting.size > 0) this.#start()
  }

  /** False when nothing is left to do. */
  async #next(): Promise<boolean> {
    const some = firstOf(this.#waiting, AT_ONCE)
    if (some.length === 0) return this.#findMore()
    const outcomes = await Promise.allSettled(some.map((turnId) => this.#indexNoted(turnId)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return true
  }

  async #findMore(): Promise<boolean> {
    if (!this.#overflowed) return false
    for await (const turnId of this.#options.store.search.unindexed()) {
      if (this.#waiting.size >= MOST_WAITING) return true
      this.#waiting.add(turnId)
    }
    this.#overflowed = false
    return this.#waiting.size > 0
  }

  async #indexNoted(turnId: string): Promise<void> {
    // It may end once more meanwhile: then it is noted again.
    this.#waiting.delete(turnId)
    try {
      await this.#index(turnId)
    } catch (error) {
      if (error instanceof RelayError && error.code === 'store_unavailable') {
        this.#waiting.add(turnId)
        throw error
      }
      // What is wrong with this one must not keep the others out; the next start tries it again.
      this.#options.logger.error('A turn cannot be put into the search index.', { turnId, error })
    }
  }

  async #index(turnId: string): Promise<void> {
    const { store } = this.#options
    const header = await store.readTurn(turnId)
    // Taken up again meanwhile: its next end is marked, too.
    if (!header || !isEnd(header.status)) return
    const terms = await this.#termsOf(await textsOf(store, header))
    const number = await store.search.addTurn(header.userId, turnId)
    for (let at = 0; at < terms.length && !this.#closed; at += TERMS_AT_A_TIME)
      await store.search.addTerms(header.userId, number, terms.slice(at, at + TERMS_AT_A_TIME))
    if (!this.#closed) await store.search.indexed(turnId, header.version)
  }

  async #termsOf(texts: readonly { readonly text: string }[]): Promise<string[]> {
    const terms = new Set<string>()
    let units = 0
    for (const { text } of texts) {
      for (const word of wordsOf(text)) {
        for (const term of word.terms) if (term !== '') terms.add(term)
        units += word.end - word.start
        if (units < UNITS_AT_A_TIME) continue
        units = 0
        await setImmediate()
      }
    }
    return [...terms]
  }

  #pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(waitMs, resolve)
      this.#wake = () => {
        stop()
        resolve()
      }
    })
  }
}

function firstOf(ids: Iterable<string>, most: number): string[] {
  const first: string[] = []
  for (const id of ids) {
    if (first.length === most) break
    first.push(id)
  }
  return first
}
