import type { Clock } from '../../src/drone/clock.ts'

/** A clock whose hands a test turns. */
export class FakeClock implements Clock {
  #nowMs = 0
  #due: { atMs: number; callback: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(ms: number, callback: () => void): () => void {
    const one = { atMs: this.#nowMs + ms, callback }
    this.#due.push(one)
    return () => void (this.#due = this.#due.filter((other) => other !== one))
  }

  pass(ms: number): void {
    this.#nowMs += ms
    const due = this.#due.filter(({ atMs }) => atMs <= this.#nowMs)
    this.#due = this.#due.filter(({ atMs }) => atMs > this.#nowMs)
    for (const { callback } of due) callback()
  }
}
