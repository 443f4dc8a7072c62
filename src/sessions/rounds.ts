import type { Clock } from '../turns/clock.ts'

/** Ms between two rounds while there is much to send: a part of what a viewer may wait for a word. */
const ROUND_MS = 3

/**
 * Has what many sessions send go out together: what a small write costs is mostly that somebody is woken up by it, and
 * those woken together are woken once. It is also the one timer of all that waits to be sent. Who comes when nothing
 * was sent a moment ago, and need not wait, is not kept waiting.
 */
export class Rounds {
  readonly #clock: Clock
  /** By the number of their round: ticks, in steps of `ROUND_MS`. */
  readonly #tasks = new Map<number, (() => void)[]>()
  /** Ticks of the last round. */
  #lastAt = Number.NEGATIVE_INFINITY
  #armed: { readonly round: number; readonly cancel: () => void } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `task` in the first round that begins `waitMs` from now or later; it must not throw. */
  join(task: () => void, waitMs = 0): void {
    const now = this.#clock.ticks()
    const due = Math.max(now + waitMs, this.#lastAt + ROUND_MS)
    if (due <= now) {
      this.#lastAt = now
      task()
      return
    }
    const round = Math.ceil(due / ROUND_MS)
    const tasks = this.#tasks.get(round)
    if (tasks) tasks.push(task)
    else this.#tasks.set(round, [task])
    this.#arm(round)
  }

  #arm(round: number): void {
    if (this.#armed && this.#armed.round <= round) return
    this.#armed?.cancel()
    const waitMs = Math.max(0, round * ROUND_MS - this.#clock.ticks())
    this.#armed = { round, cancel: this.#clock.after(waitMs, () => this.#run()) }
  }

  /** All rounds that are due are one where the loop was late. */
  #run(): void {
    this.#armed = undefined
    this.#lastAt = this.#clock.ticks()
    // Timers may fire within the ms before they are due.
    const current = Math.round(this.#lastAt / ROUND_MS)
    const due = [...this.#tasks.keys()].filter((round) => round <= current).toSorted((a, b) => a - b)
    for (const round of due) {
      const tasks = this.#tasks.get(round) ?? []
      this.#tasks.delete(round)
      for (const task of tasks) task()
    }
    if (this.#tasks.size > 0) this.#arm(Math.min(...this.#tasks.keys()))
  }
}
