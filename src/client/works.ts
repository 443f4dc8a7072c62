import type { DroneWork } from './drone-work.ts'

/** The works of a drone that are accepted and not over, and the window that they share. */
export class Works {
  readonly #works = new Map<string, DroneWork>()
  #idle: (() => void)[] = []
  /** What may be said and not be stored, of all works together; nothing before the first welcome. */
  windowBytes = 0

  get size(): number {
    return this.#works.size
  }

  get turnIds(): string[] {
    return [...this.#works.keys()]
  }

  get hasRoom(): boolean {
    let bytes = 0
    for (const work of this.#works.values()) bytes += work.outbox.bytes
    return bytes <= this.windowBytes
  }

  all(): DroneWork[] {
    return [...this.#works.values()]
  }

  get(turnId: string): DroneWork | undefined {
    return this.#works.get(turnId)
  }

  /** The work, if it is this very attempt's. */
  of({ turnId, attempt }: { readonly turnId: string; readonly attempt: number }): DroneWork | undefined {
    const work = this.#works.get(turnId)
    return work?.order.attempt === attempt ? work : undefined
  }

  add(work: DroneWork): void {
    this.#works.set(work.order.turnId, work)
  }

  /** The work is over; false where its turn has another work by now. */
  drop(work: DroneWork, reason: string): boolean {
    const { turnId } = work.order
    const isLatest = this.#works.get(turnId) === work
    if (isLatest) this.#works.delete(turnId)
    work.over(reason)
    this.giveRoom()
    if (this.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
    return isLatest
  }

  /** Whoever waits to speak goes on, if there is room. */
  giveRoom(): void {
    if (this.hasRoom) for (const work of this.#works.values()) work.goOn()
  }

  /** Resolves when no work is left. */
  whenIdle(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }
}
