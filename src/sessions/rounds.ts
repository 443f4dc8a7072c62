import type { Clock } from '../turns/clock.ts'

/** Ms between two rounds while there is much to send: a part of what a viewer may wait for a word. */
const ROUND_MS = 5

/**
 * Has what many sessions send go out together: what a small write costs is mostly that somebody is woken up by it, and
 * those woken together are woken once. Who comes when nothing was sent a moment ago is not kept waiting.
 */
export class Rounds {
  readonly #clock: Clock
  #tasks: (() => void)[] = []
  /** Ticks of the last round. */
  #lastAt = Number.NEGATIVE_INFINITY
  #isDue = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `task` in this round or in the next; it must not throw. */
  join(task: () => void): void {
    const waitMs = this.#lastAt + ROUND_MS - this.#clock.ticks()
    if (waitMs <= 0 && !this.#isDue) {
      this.#lastAt = this.#clock.ticks()
      task()
      return
    }
    this.#tasks.push(task)
    if (this.#isDue) return
    this.#isDue = true
    this.#clock.after(waitMs, () => this.#run())
  }

  #run(): void {
    const tasks = this.#tasks
    this.#tasks = []
    this.#isDue = false
    this.#lastAt = this.#clock.ticks()
    for (const task of tasks) task()
  }
}
