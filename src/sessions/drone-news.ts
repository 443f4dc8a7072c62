import type { DroneView } from '../protocol/code-down.ts'
import type { Clock } from '../turns/clock.ts'
import type { DroneRecord } from '../turns/turn-store.ts'

/**
 * What a change of a drone waits before its user's viewers hear of it. One that comes back is here, has its turn and
 * is busy within a moment; after a restart all of a user's do, and each of its viewers would hear of each step.
 */
const DRONE_NEWS_MS = 100
/** The whole fleet is more, and only operators hear of it. */
const FLEET_NEWS_MS = 250

export interface DroneNewsOptions {
  readonly clock: Clock
  readonly viewOf: (record: DroneRecord) => DroneView
  readonly tellUser: (userId: string, view: DroneView) => void
  /** What the user's drones offer may be otherwise. */
  readonly tellOffers: (userId: string) => void
  readonly tellFleet: () => void
}

/** Tells of drones as they are after a moment, once, however many changes led there. */
export class DroneNews {
  readonly #options: DroneNewsOptions
  /** By registration. */
  readonly #changed = new Map<string, DroneRecord>()
  readonly #users = new Set<string>()
  #cancelDrones: (() => void) | undefined
  #cancelFleet: (() => void) | undefined

  constructor(options: DroneNewsOptions) {
    this.#options = options
  }

  /** A drone came or went, or has other work than before. */
  changed(record: DroneRecord): void {
    const { clock, tellFleet } = this.#options
    this.#changed.set(record.registrationId, record)
    this.offersChanged(record.userId)
    this.#cancelFleet ??= clock.after(FLEET_NEWS_MS, () => {
      this.#cancelFleet = undefined
      tellFleet()
    })
  }

  /** A drone of this user offers other things than before. */
  offersChanged(userId: string): void {
    this.#users.add(userId)
    this.#cancelDrones ??= this.#options.clock.after(DRONE_NEWS_MS, () => {
      this.#cancelDrones = undefined
      this.#tellUsers()
    })
  }

  close(): void {
    this.#cancelDrones?.()
    this.#cancelFleet?.()
  }

  #tellUsers(): void {
    const { viewOf, tellUser, tellOffers } = this.#options
    const users = [...this.#users]
    this.#users.clear()
    const changed = [...this.#changed.values()]
    this.#changed.clear()
    for (const record of changed) tellUser(record.userId, viewOf(record))
    for (const userId of users) tellOffers(userId)
  }
}
