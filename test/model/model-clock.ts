import type { Clock } from '../../src/turns/clock.ts'

interface Due {
  readonly atMs: number
  readonly task: () => void
}

/** A clock that is turned task by task, so that what a task sets off can happen before the next one is due. */
export class ModelClock implements Clock {
  #nowMs = 0
  readonly #due: Due[] = []

  now(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  ticks(): number {
    return this.#nowMs
  }

  after(ms: number, task: () => void): () => void {
    const due = { atMs: this.#nowMs + ms, task }
    const later = this.#due.findIndex(({ atMs }) => atMs > due.atMs)
    this.#due.splice(later === -1 ? this.#due.length : later, 0, due)
    return () => {
      const index = this.#due.indexOf(due)
      if (index !== -1) this.#due.splice(index, 1)
    }
  }

  /** Runs the first task that is due by then; false where none is, and it is then. */
  step(untilMs: number): boolean {
    const [next] = this.#due
    if (!next || next.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs)
      return false
    }
    this.#due.shift()
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    next.task()
    return true
  }
}

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
