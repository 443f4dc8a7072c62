/** Steps a ms: fine enough for loopback, and few enough keys to be handed from process to process. */
const STEPS_PER_MS = 20

/** How often each duration was seen, to 0.05 ms: what several processes measured can be put together, unlike quantiles. */
export class Histogram {
  readonly #counts: Map<number, number>

  constructor(counts: readonly (readonly [step: number, count: number])[] = []) {
    this.#counts = new Map(counts)
  }

  static of(parts: readonly Histogram[]): Histogram {
    const whole = new Histogram()
    for (const part of parts) for (const [step, count] of part.#counts) whole.#add(step, count)
    return whole
  }

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  record(ms: number): void {
    this.#add(Math.round(ms * STEPS_PER_MS), 1)
  }

  /** Ms below which `share` of all durations lie; NaN where there are none. */
  quantile(share: number): number {
    const steps = [...this.#counts].toSorted(([one], [other]) => one - other)
    let left = Math.ceil(this.count * share)
    for (const [step, count] of steps) {
      left -= count
      if (left <= 0) return step / STEPS_PER_MS
    }
    return Number.NaN
  }

  toJSON(): [step: number, count: number][] {
    return [...this.#counts]
  }

  #add(step: number, count: number): void {
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + count)
  }
}
