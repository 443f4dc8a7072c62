import type { Clock } from '../../src/turns/clock.ts'

/** A process that can be killed: from then on none of its timers fires, and nobody is left to hear an answer. */
export class Process implements Clock {
  readonly #clock: Clock
  alive = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  ticks(): number {
    return this.#clock.ticks()
  }

  after(ms: number, task: () => void): () => void {
    return this.#clock.after(ms, () => {
      if (this.alive) task()
    })
  }
}
