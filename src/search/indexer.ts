import { setImmediate } from 'node:timers/promises'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import { backoffMs } from '../turns/backoff.ts'
import type { Clock } from '../turns/clock.ts'
import type { TurnHeader, TurnStore } from '../turns/turn-store.ts'
import { Segments } from './segments.ts'
import { wordsOf } from './terms.ts'
import { textsOf } from './turn-text.ts'

/** Turns that wait to be indexed: further ones are found in the store again when these are through. */
const MOST_WAITING = 10_000
/** Turns that are indexed together: what they have in common is written once. */
const AT_ONCE = 64
/** How long the first of them waits for others, ms. */
const GATHER_MS = 250
/** The waits for a store that is away. */
const AGAIN = { firstMs: 500, longestMs: 30_000 } as const
/** UTF-16 units that are taken apart at a time: tokens go on in between. */
const UNITS_AT_A_TIME = 8192

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
  readonly #segments: Segments
  readonly #waiting = new Set<string>()
  #overflowed = false
  #isRunning = false
  #closed = false
  #wake: () => void = () => undefined

  constructor(options: IndexerOptions) {
    this.#options = options
    const { store, clock } = options
    this.#segments = new Segments({ store: store.search, clock, isClosed: () => this.#closed })
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
    await this.#pause(GATHER_MS)
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
    // One may end once more meanwhile: then it is noted again.
    for (const turnId of some) this.#waiting.delete(turnId)
    await this.#indexOrSay(some)
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

  async #indexOrSay(turnIds: readonly string[]): Promise<void> {
    try {
      await this.#index(turnIds)
    } catch (error) {
      const [turnId] = turnIds
      if (error instanceof RelayError && error.code === 'store_unavailable') {
        for (const one of turnIds) this.#waiting.add(one)
        throw error
      } else if (turnIds.length > 1) {
        // What is wrong with one must not keep the others out.
        for (const one of turnIds) await this.#indexOrSay([one])
      } else this.#options.logger.error('A turn cannot be put into the search index.', { turnId, error })
    }
  }

  async #index(turnIds: readonly string[]): Promise<void> {
    const { store } = this.#options
    const found = await Promise.all(turnIds.map((turnId) => store.readTurn(turnId)))
    // One that is taken up again meanwhile is marked once more when it ends.
    const headers = found.flatMap((header) => (header && isEnd(header.status) ? [header] : []))
    const byUser = new Map<string, TurnHeader[]>()
    for (const header of headers) byUser.set(header.userId, [...(byUser.get(header.userId) ?? []), header])
    for (const [userId, ofUser] of byUser) await this.#addTurns(userId, ofUser)
    if (this.#closed) return
    if (headers.length > 0) await store.search.indexed(headers)
    for (const userId of byUser.keys()) await this.#segments.tidy(userId)
  }

  async #addTurns(userId: string, headers: readonly TurnHeader[]): Promise<void> {
    const { store } = this.#options
    const turnIds = headers.map(({ turnId }) => turnId)
    const numbers = await store.search.addTurns(userId, turnIds)
    // One that was given before has the number of that time.
    const numbered = headers
      .map((header, index) => ({ header, number: numbers[index] ?? NaN }))
      .toSorted((one, other) => one.number - other.number)
    const byTerm = new Map<string, number[]>()
    for (const { header, number } of numbered) {
      for (const term of await this.#termsOf(await textsOf(store, header))) {
        const ofTerm = byTerm.get(term)
        if (ofTerm) ofTerm.push(number)
        else byTerm.set(term, [number])
      }
    }
    await this.#segments.add(userId, headers.length, byTerm)
  }

  async #termsOf(texts: readonly { readonly text: string }[]): Promise<Set<string>> {
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
    return terms
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
