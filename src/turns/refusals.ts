/** Lanes of one turn whose words may be missing at a time: their names are a peer's invention. */
const MOST = 1000

/** The lanes of which something was refused: each is asked to go back once, and those without room when there is some. */
export class Refusals {
  readonly #gaps = new Set<string>()
  readonly #full = new Set<string>()

  /** True once per gap. */
  noteGap(lane: string): boolean {
    if (this.#gaps.has(lane) || this.#gaps.size >= MOST) return false
    this.#gaps.add(lane)
    return true
  }

  noteFull(lane: string): void {
    this.#full.add(lane)
  }

  /** A word of the lane came that fits. */
  goesOn(lane: string): void {
    if (this.#gaps.size > 0) this.#gaps.delete(lane)
  }

  get anyFull(): boolean {
    return this.#full.size > 0
  }

  get isFullOfNames(): boolean {
    return this.#full.size >= MOST
  }

  /** Those that were refused for want of room, to be asked for now: what lies beyond is a gap that has been told. */
  takeFull(): string[] {
    const lanes = [...this.#full]
    this.#full.clear()
    for (const lane of lanes) this.#gaps.add(lane)
    return lanes
  }

  clear(): void {
    this.#gaps.clear()
    this.#full.clear()
  }
}
