import type { Clock } from '../turns/clock.ts'
import type { Rounds } from './rounds.ts'

/** Ms between pieces that come from somebody who gathers them already, as our SDK does: gathering twice only delays. */
const SPARSE_MS = 22

interface HandOnOptions {
  readonly clock: Clock
  readonly rounds: Rounds
  /** How long pieces that come close to each other may gather. */
  readonly mergeMs: number
  readonly handOn: () => void
}

/** Decides when what a follower has taken is handed on. */
export class HandOn {
  readonly #options: HandOnOptions
  /** Ticks: when words were handed on last, and when some came. */
  #doneAt = Number.NEGATIVE_INFINITY
  #cameAt = Number.NEGATIVE_INFINITY
  #isDue = false
  #isClosed = false

  constructor(options: HandOnOptions) {
    this.#options = options
  }

  /** There is something to hand on. */
  soon(): void {
    const { clock, rounds, mergeMs } = this.#options
    const now = clock.ticks()
    const isSparse = now - this.#cameAt >= SPARSE_MS
    this.#cameAt = now
    if (this.#isDue) return
    this.#isDue = true
    const waitMs = isSparse ? 0 : Math.max(0, this.#doneAt + mergeMs - now)
    rounds.join(() => {
      this.#isDue = false
      if (!this.#isClosed) this.#options.handOn()
    }, waitMs)
  }

  /** Words have just been handed on, all that were there. */
  done(): void {
    this.#doneAt = this.#options.clock.ticks()
  }

  close(): void {
    this.#isClosed = true
  }
}
