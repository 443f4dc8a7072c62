import type { DroneRecord, TurnStore } from '../turns/turn-store.ts'
import type { Logger } from './socket-session.ts'

/** What is kept of a drone's conduct over its connections, and in its record over restarts of the relay. */
export type Standing = Pick<DroneRecord, 'crashes' | 'quarantine'>

export interface QuarantineOptions {
  readonly store: Pick<TurnStore, 'readDrone' | 'saveDrone'>
  readonly logger: Logger
  readonly now: () => number
  /** Crashes in a row with work in hand. */
  readonly quarantineAfter: number
  readonly onChanged: (registrationId: string) => void
}

/** [RC18] A drone that crashes again and again gets no work until an operator says so. */
export class Quarantines {
  readonly #options: QuarantineOptions
  readonly #standings = new Map<string, Standing>()

  constructor(options: QuarantineOptions) {
    this.#options = options
  }

  /** As read from the store: what is known here is newer. */
  remember({ registrationId, crashes, quarantine }: DroneRecord): void {
    if (this.#standings.has(registrationId)) return
    this.#set(registrationId, { ...(crashes ? { crashes } : {}), ...(quarantine ? { quarantine } : {}) })
  }

  standingOf(registrationId: string): Standing {
    return this.#standings.get(registrationId) ?? {}
  }

  has(registrationId: string): boolean {
    return this.standingOf(registrationId).quarantine !== undefined
  }

  /** Its process died with work in hand. */
  crashed(registrationId: string): void {
    const { crashes = 0, quarantine } = this.standingOf(registrationId)
    const { quarantineAfter, logger, now } = this.#options
    const standing: Standing = { crashes: crashes + 1, ...(quarantine ? { quarantine } : {}) }
    if (crashes + 1 < quarantineAfter || quarantine) {
      this.#note(registrationId, standing)
      return
    }
    const reason = `It crashed ${crashes + 1} times in a row.`
    logger.warn('A drone is in quarantine: it gets no work until an operator releases it.', {
      registrationId,
      reason,
    })
    this.#note(registrationId, { ...standing, quarantine: { since: now(), reason } })
  }

  /** It brought a turn to its end: what was before does not count any more. */
  completed(registrationId: string): void {
    const { crashes, quarantine } = this.standingOf(registrationId)
    if (crashes) this.#note(registrationId, quarantine ? { quarantine } : {})
  }

  /** An operator's word. Resolves once it is stored. */
  async set(registrationId: string, reason: string): Promise<void> {
    await this.#save(registrationId, { quarantine: { since: this.#options.now(), reason } })
  }

  async release(registrationId: string): Promise<void> {
    await this.#save(registrationId, {})
  }

  #set(registrationId: string, standing: Standing): void {
    if (Object.keys(standing).length === 0) this.#standings.delete(registrationId)
    else this.#standings.set(registrationId, standing)
  }

  /** It counts from now on, also where it cannot be written down. */
  #note(registrationId: string, standing: Standing): void {
    this.#save(registrationId, standing).catch((error: unknown) =>
      this.#options.logger.warn('What a drone was up to could not be written down.', {
        registrationId,
        error: String(error),
      }),
    )
  }

  async #save(registrationId: string, standing: Standing): Promise<void> {
    this.#set(registrationId, standing)
    this.#options.onChanged(registrationId)
    const known = await this.#options.store.readDrone(registrationId)
    if (!known) return
    const { crashes: _crashes, quarantine: _quarantine, ...record } = known
    await this.#options.store.saveDrone({ ...record, ...this.standingOf(registrationId) })
  }
}
