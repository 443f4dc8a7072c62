import type { Clock } from '../turns/clock.ts'
import type { Rounds } from './rounds.ts'

interface HandOnOptions {
  readonly clock: Clock
  readonly rounds: Rounds
  /** How long pieces may gather; the first after a silence goes into the next round. */
  readonly mergeMs: number
  readonly handOn: () => void
}

/** Decides when what a follower has taken is handed on. */
export class HandOn {
  readonly #options: HandOnOptions
  /** Ticks. */
  #doneAt = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined
  #isInRound = false
  #isClosed = false

  constructor(options: HandOnOptions) {
    this.#options = options
  }

  /** There is something to hand on. */
  soon(): void {
    if (this.#cancel || this.#isInRound) return
    const { clock, mergeMs } = this.#options
    const waitMs = this.#doneAt + mergeMs - clock.ticks()
    if (waitMs <= 0) this.#joinRound()
    else
      this.#cancel = clock.after(waitMs, () => {
        this.#cancel = undefined
        this.#joinRound()
      })
  }

  /** Everything has just been handed on. */
  done(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#doneAt = this.#options.clock.ticks()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #joinRound(): void {
    this.#isInRound = true
    this.#options.rounds.join(() => {
      this.#isInRound = false
      if (!this.#isClosed) this.#options.handOn()
    })
  }
}
