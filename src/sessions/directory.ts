import type { DroneState, DroneView } from '../protocol/code-down.ts'
import type { DroneDown } from '../protocol/drone-down.ts'
import { RelayError } from '../protocol/errors.ts'
import type { FleetDrone } from '../protocol/ops.ts'
import type { Size } from '../terminals/terminal-log.ts'
import type { Clock } from '../turns/clock.ts'
import type { DroneRecord, Quarantine } from '../turns/turn-store.ts'
import type { Seat, Seats } from '../turns/seat.ts'

/** What a drone is asked of its terminals. Each rejects where it refuses, or does not answer. */
export interface TerminalQuestions {
  open(asked: Parameters<DroneDown['terminal:open']>[0]): Promise<{ terminalId: string }>
  input(terminalId: string, bytes: Uint8Array): Promise<void>
  resize(terminalId: string, size: Size): Promise<void>
  close(terminalId: string): Promise<void>
}

/** A connected drone, as the directory needs it: a seat that can be asked to leave and be replaced. */
export interface SeatedDrone extends Seat {
  readonly connectedAt: number
  lastHeardAt: number
  load: number | undefined
  terminate(mode: 'now' | 'drain', reason: string): Promise<boolean>
  readonly terminals: TerminalQuestions
  /** A newer connection took its place. */
  supersede(): void
}

type Presence =
  | { readonly is: 'here'; readonly drone: SeatedDrone }
  | { readonly is: 'away'; readonly cancelGrace: () => void }
  | { readonly is: 'gone' }

interface Entry {
  readonly record: DroneRecord
  readonly presence: Presence
}

/** What follows when a drone comes or goes. */
export interface DirectoryListener {
  onHere(drone: SeatedDrone): void
  onGone(record: DroneRecord, instanceId: string | undefined): void
  onChanged(record: DroneRecord): void
}

export interface DirectoryOptions {
  readonly clock: Clock
  /** How long a drone that dropped is waited for. */
  readonly graceMs: number
  readonly quarantineOf: (registrationId: string) => Quarantine | undefined
  readonly turnsOf: (registrationId: string) => readonly { readonly turnId: string }[]
}

/** Which drones there are, and which socket each has just now. It outlives the sockets. */
export class Directory implements Seats {
  readonly #options: DirectoryOptions
  readonly #entries = new Map<string, Entry>()
  /** The registrations of each user: whose drones they are is asked for with every message and every turn. */
  readonly #byUser = new Map<string, Set<string>>()
  #listener: DirectoryListener | undefined
  #closed = false

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  listen(listener: DirectoryListener): void {
    this.#listener = listener
  }

  *ofUser(userId: string): Iterable<SeatedDrone> {
    for (const { presence } of this.#entriesOf(userId)) if (presence.is === 'here') yield presence.drone
  }

  get(registrationId: string): SeatedDrone | undefined {
    const presence = this.#entries.get(registrationId)?.presence
    return presence?.is === 'here' ? presence.drone : undefined
  }

  /** A drone has connected; an older connection of it is replaced. */
  seat(record: DroneRecord, drone: SeatedDrone): void {
    const before = this.#entries.get(record.registrationId)?.presence
    if (before?.is === 'away') before.cancelGrace()
    // Seated before the older is cut: the one that leaves then is not here any more, and nobody waits for it.
    this.#put(record, { is: 'here', drone })
    if (before?.is === 'here') before.drone.supersede()
    this.#listener?.onHere(drone)
    this.#listener?.onChanged(record)
  }

  /** A drone's socket is gone: its turns wait for it, for a while. */
  leave(drone: SeatedDrone): void {
    const entry = this.#entries.get(drone.registrationId)
    if (entry?.presence.is !== 'here' || entry.presence.drone !== drone) return
    this.expect(entry.record, drone.instanceId)
  }

  /** Waits for a drone that has turns: after its socket dropped, or after this node was started. */
  expect(record: DroneRecord, instanceId: string | undefined): void {
    if (this.#closed) return
    const { clock, graceMs } = this.#options
    const cancelGrace = clock.after(graceMs, () => {
      this.#put(record, { is: 'gone' })
      this.#listener?.onGone(record, instanceId)
      this.#listener?.onChanged(record)
    })
    this.#put(record, { is: 'away', cancelGrace })
    this.#listener?.onChanged(record)
  }

  /** A drone that this node knows of from the store only. */
  remember(record: DroneRecord): void {
    if (!this.#entries.has(record.registrationId)) this.#put(record, { is: 'gone' })
  }

  /** The record of a drone as last seated here. */
  recordOf(registrationId: string): DroneRecord | undefined {
    return this.#entries.get(registrationId)?.record
  }

  /** The drone that its user knows by this id. */
  findOf(userId: string, droneId: string): DroneRecord | undefined {
    for (const { record } of this.#entriesOf(userId)) if (record.droneId === droneId) return record
    return undefined
  }

  /** Throws where there is no such drone. */
  check(registrationId: string): void {
    if (this.#entries.has(registrationId)) return
    throw new RelayError('not_found', `There is no drone ${registrationId}.`)
  }

  async terminate(registrationId: string, mode: 'now' | 'drain', reason: string): Promise<boolean> {
    const entry = this.#entries.get(registrationId)
    if (!entry) throw new RelayError('not_found', `There is no drone ${registrationId}.`)
    if (entry.presence.is !== 'here') {
      throw new RelayError('drone_offline', `Drone ${entry.record.droneId} is not connected.`)
    }
    return entry.presence.drone.terminate(mode, reason)
  }

  stateOf(record: DroneRecord): DroneState {
    const presence = this.#entries.get(record.registrationId)?.presence
    if (!presence || presence.is === 'gone') return 'gone'
    if (presence.is === 'away') return 'away'
    if (this.#options.quarantineOf(record.registrationId)) return 'quarantined'
    return this.#options.turnsOf(record.registrationId).length > 0 ? 'busy' : 'online'
  }

  viewOf(record: DroneRecord): DroneView {
    const { droneId, registration } = record
    const load = this.get(record.registrationId)?.load
    return {
      droneId,
      name: registration.name,
      workspaceId: registration.workspaceId,
      state: this.stateOf(record),
      ...(load === undefined ? {} : { load }),
    }
  }

  /** The drones of a user that are here or awaited. */
  viewsOf(userId: string): DroneView[] {
    return [...this.#entriesOf(userId)]
      .filter(({ presence }) => presence.is !== 'gone')
      .map(({ record }) => this.viewOf(record))
  }

  fleet(): FleetDrone[] {
    return [...this.#entries.values()].map(({ record }) => {
      const drone = this.get(record.registrationId)
      const { registration } = record
      const quarantine = this.#options.quarantineOf(record.registrationId)
      return {
        registrationId: record.registrationId,
        user: record.userId,
        hostname: registration.hostname,
        plain: registration.instanceId === undefined,
        capacity: registration.instanceId === undefined ? 1 : (registration.capacity ?? 1),
        turns: this.#options.turnsOf(record.registrationId).map(({ turnId }) => turnId),
        ...this.viewOf(record),
        ...(quarantine ? { quarantine: quarantine.reason } : {}),
        ...(registration.labels ? { labels: registration.labels } : {}),
        ...(drone ? { connectedAt: new Date(drone.connectedAt).toISOString() } : {}),
        lastHeardAt: new Date(drone?.lastHeardAt ?? record.lastSeenAt).toISOString(),
      }
    })
  }

  *#entriesOf(userId: string): Iterable<Entry> {
    for (const registrationId of this.#byUser.get(userId) ?? []) {
      const entry = this.#entries.get(registrationId)
      if (entry) yield entry
    }
  }

  #put(record: DroneRecord, presence: Presence): void {
    const { registrationId, userId } = record
    this.#entries.set(registrationId, { record, presence })
    const mine = this.#byUser.get(userId) ?? new Set<string>()
    this.#byUser.set(userId, mine.add(registrationId))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The relay stops: nobody is waited for any more. */
  close(): void {
    this.#closed = true
    for (const { presence } of this.#entries.values()) if (presence.is === 'away') presence.cancelGrace()
    this.#listener = undefined
  }
}
