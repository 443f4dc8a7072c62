import type { Limits } from '../protocol/drone-down.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import type { Clock } from '../turns/clock.ts'
import type { Feed } from '../turns/feed.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import type { Permissions } from '../turns/permissions.ts'
import type { Steering } from '../turns/steering.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import type { WorkOrders } from '../turns/work-orders.ts'
import type { Directory } from './directory.ts'
import type { Quarantines } from './quarantine.ts'
import type { Rounds } from './rounds.ts'
import type { Surfaces } from './surfaces.ts'
import type { Terminals } from './terminals.ts'

/** What a drone session works with. */
export interface DroneWorld {
  readonly store: TurnStore
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly permissions: Pick<Permissions, 'ask'>
  readonly steering: Pick<Steering, 'named'>
  readonly directory: Directory
  readonly quarantines: Quarantines
  readonly sessions: ChatSessions
  readonly feed: Feed
  readonly clock: Clock
  readonly rounds: Rounds
  readonly surfaces: Pick<Surfaces, 'update'>
  readonly terminals: Terminals
  readonly limits: Limits
  /** A drone of this user offers other things than before. */
  readonly onManifest: (userId: string) => void
  readonly nodeId: string
  readonly heartbeatIntervalMs: number
  /** How long a drone may take to acknowledge an order. */
  readonly dispatchAckMs: number
  /** How long a drone may take to answer a request to leave. */
  readonly terminationMs: number
}
