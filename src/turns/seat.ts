import type { WorkOrder } from '../protocol/drone-down.ts'
import type { Json } from '../protocol/values.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import type { Manifest } from '../protocol/handshake.ts'

/** What a drone has to offer for a turn. */
export interface Wanted {
  readonly agent?: string
  readonly model?: string
  readonly labels?: Readonly<Record<string, string>>
}

/** A connected drone, as far as giving it work goes. */
export interface Seat {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  /** For people to read. */
  readonly name: string
  readonly workspaceId: string
  /** Absent for a plain drone: its first word is its acknowledgement. */
  readonly instanceId: string | undefined
  readonly capacity: number
  /** Takes no new work: it is leaving, or in quarantine. */
  readonly closed: boolean
  /** Takes nothing before it is done with what it has, whether that is still its turn or not. */
  readonly occupied: boolean
  /** What it offers: as registered, then as it says. */
  readonly manifest: Manifest
  /** As registered. */
  readonly labels: Readonly<Record<string, unknown>>
  offers(wanted: Wanted): boolean
  /** Somebody pressed something of a surface that it shows. */
  pressed(action: {
    requestId: string
    surfaceId: string
    actionId: string
    payload?: Json
    chatSessionId?: string
  }): Promise<void>
  /** Has the drone do a command of its own; resolves with its answer. */
  execute(command: {
    requestId: string
    chatSessionId?: string
    command: string
    args?: Json
  }): Promise<Json | undefined>
  /** Resolves when the drone has the order, rejects when it did not say so in time or is gone. */
  sendOrder(order: WorkOrder): Promise<void>
  /** Gives its agent a message while it works; resolves when that has taken it, rejects where it did not. */
  steer(turnId: string, steer: { messageId: string; text: string }): Promise<SteerTaken>
  /** Tells the drone, if it is there, that the turn is not its any more. */
  abortOrder(turnId: string, attempt: number): void
}

/** Which drones are there just now. */
export interface Seats {
  ofUser(userId: string): Iterable<Seat>
  get(registrationId: string): Seat | undefined
}

/** The drones of a user that are here: the one of that id, else those of that workspace, else all. */
export function seatsOf(
  seats: Pick<Seats, 'ofUser'>,
  userId: string,
  { droneId, workspaceId }: { droneId?: string | undefined; workspaceId?: string | undefined },
): Seat[] {
  const mine = [...seats.ofUser(userId)]
  if (droneId !== undefined) return mine.filter((seat) => seat.droneId === droneId)
  return mine.filter((seat) => workspaceId === undefined || seat.workspaceId === workspaceId)
}
