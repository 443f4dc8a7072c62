import type { Clock } from '../../src/turns/clock.ts'

interface Due {
  readonly atMs: number
  readonly task: () => void
}

/** A clock whose hands a test turns: tasks run while time passes, in the order they are due. */
export class FakeClock implements Clock {
  #nowMs = 0
  #epochMs = 1_700_000_000_000
  readonly #due: Due[] = []

  now(): number {
    return this.#epochMs + this.#nowMs
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

  /** Somebody sets the date: what counts ms does not notice. */
  jump(ms: number): void {
    this.#epochMs += ms
  }

  /** How many tasks wait for their time. */
  get waiting(): number {
    return this.#due.length
  }

  pass(ms: number): void {
    const until = this.#nowMs + ms
    while (this.step(until));
  }

  /** Runs the first task that is due by then, so that what it sets off can happen first; false where it is then. */
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
