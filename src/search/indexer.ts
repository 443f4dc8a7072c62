import { setImmediate } from 'node:timers/promises'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import { backoffMs } from '../turns/backoff.ts'
import type { Clock } from '../turns/clock.ts'
import type { TurnHeader, TurnStore } from '../turns/turn-store.ts'
import { wordsOf } from './terms.ts'
import { textsOf } from './turn-text.ts'

/** Turns that wait to be indexed: further ones are found in the store again when these are through. */
const MOST_WAITING = 10_000
/** Turns that are indexed together: what they have in common is written once. */
const AT_ONCE = 16
/** How long the first of them waits for others, ms. */
const GATHER_MS = 250
/** The waits for a store that is away. */
const AGAIN = { firstMs: 500, longestMs: 30_000 } as const
/** UTF-16 units that are taken apart at a time, and terms written at a time: tokens go on in between. */
const UNITS_AT_A_TIME = 8192
const TERMS_AT_A_TIME = 256

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
    const numbered: { header: TurnHeader; number: number }[] = []
    // One after the other: the numbers are in the order in which the turns have ended.
    for (const header of headers)
      numbered.push({ header, number: await store.search.addTurn(header.userId, header.turnId) })
    const byUser = new Map<string, Map<string, number[]>>()
    for (const { header, number } of numbered) {
      const terms = await this.#termsOf(await textsOf(store, header))
      const ofUser = byUser.get(header.userId) ?? new Map<string, number[]>()
      byUser.set(header.userId, ofUser)
      for (const term of terms) ofUser.set(term, [...(ofUser.get(term) ?? []), number])
    }
    for (const [userId, terms] of byUser) await this.#write(userId, terms)
    if (this.#closed) return
    await Promise.all(headers.map(({ turnId, version }) => store.search.indexed(turnId, version)))
  }

  async #write(userId: string, terms: ReadonlyMap<string, readonly number[]>): Promise<void> {
    // In their order: those written together are near each other in the store.
    const added = [...terms].map(([term, numbers]) => ({ term, numbers })).toSorted(byTerm)
    for (let at = 0; at < added.length && !this.#closed; at += TERMS_AT_A_TIME)
      await this.#options.store.search.addTerms(userId, added.slice(at, at + TERMS_AT_A_TIME))
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

function byTerm(one: { readonly term: string }, other: { readonly term: string }): number {
  return one.term < other.term ? -1 : 1
}

function firstOf(ids: Iterable<string>, most: number): string[] {
  const first: string[] = []
  for (const id of ids) {
    if (first.length === most) break
    first.push(id)
  }
  return first
}
