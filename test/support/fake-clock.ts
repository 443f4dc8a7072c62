import type { Clock } from '../../src/turns/clock.ts'

interface Due {
  readonly atMs: number
  readonly task: () => void
}

/** A clock whose hands a test turns: tasks run while time passes, in the order they are due. */
export class FakeClock implements Clock {
  #nowMs = 0
  #due: Due[] = []

  now(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  ticks(): number {
    return this.#nowMs
  }

  after(ms: number, task: () => void): () => void {
    const due = { atMs: this.#nowMs + ms, task }
    this.#due.push(due)
    return () => void (this.#due = this.#due.filter((other) => other !== due))
  }

  /** How many tasks wait for their time. */
  get waiting(): number {
    return this.#due.length
  }

  pass(ms: number): void {
    const until = this.#nowMs + ms
    for (;;) {
      const [next] = this.#due.filter(({ atMs }) => atMs <= until).toSorted((a, b) => a.atMs - b.atMs)
      if (!next) break
      this.#due = this.#due.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.task()
    }
    this.#nowMs = until
  }
}
