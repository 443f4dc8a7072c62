/**
 * A token bucket that answers at once. The library for this answers by promise, and a handler that waits for one lets
 * a later event overtake an earlier one.
 */
export class Bucket {
  readonly #perSecond: number
  readonly #capacity: number
  readonly #ticks: () => number
  #level: number
  #at: number

  constructor(options: { perSecond: number; capacity: number; ticks: () => number }) {
    this.#perSecond = options.perSecond
    this.#capacity = options.capacity
    this.#ticks = options.ticks
    this.#level = options.capacity
    this.#at = options.ticks()
  }

  /** Takes `cost` out if it is there. */
  take(cost = 1): boolean {
    this.#refill()
    if (this.#level < cost) return false
    this.#level -= cost
    return true
  }

  /** Takes `cost` out whether it is there or not; the answer is how many ms it takes to make up for it. */
  spend(cost = 1): number {
    this.#refill()
    this.#level -= cost
    return this.#level >= 0 ? 0 : Math.ceil((-this.#level / this.#perSecond) * 1000)
  }

  #refill(): void {
    const now = this.#ticks()
    this.#level = Math.min(this.#capacity, this.#level + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
  }
}
