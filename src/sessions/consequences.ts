import { isEnd } from '../protocol/turn-view.ts'
import type { Indexer } from '../search/indexer.ts'
import { phaseOf } from '../turns/lifecycle.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import type { Permissions } from '../turns/permissions.ts'
import type { Steering } from '../turns/steering.ts'
import type { Turn } from '../turns/turn.ts'
import type { DroneRecord } from '../turns/turn-store.ts'
import type { WorkOrders } from '../turns/work-orders.ts'
import type { Directory } from './directory.ts'
import { DroneSession } from './drone-session.ts'
import type { Quarantines } from './quarantine.ts'

export interface Parties {
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly permissions: Pick<Permissions, 'onTold' | 'repeat' | 'forget'>
  readonly steering: Pick<Steering, 'onTold' | 'offer' | 'forget'>
  /** Nothing is live in a session any more: what waits in its queue may start. */
  readonly onIdle: (chatSessionId: string) => void
  readonly indexer: Pick<Indexer, 'ended'>
  readonly directory: Directory
  readonly quarantines: Pick<Quarantines, 'crashed'>
  readonly graceMs: number
  /** A drone came or went, or has other work than before. */
  readonly onDroneChanged: (record: DroneRecord) => void
}

/** Tells the turns, the orders and the drones of one another: what follows from what. */
export function linkConsequences(parties: Parties): void {
  followTurns(parties)
  followDrones(parties)
}

function followTurns(parties: Parties): void {
  const { turns, orders, permissions, steering, directory, indexer, onIdle, onDroneChanged } = parties
  const seatOf = (registrationId: string | undefined): DroneSession | undefined => {
    const drone = registrationId === undefined ? undefined : directory.get(registrationId)
    return drone instanceof DroneSession ? drone : undefined
  }
  turns.listen({
    onStored: (turn, attempt, heads) =>
      seatOf(turn.state.assigned?.registrationId)?.stored(turn, attempt, heads),
    onTold: (turn, state) => {
      orders.onTold(turn, state)
      permissions.onTold(turn, state)
      steering.onTold(turn, state)
      if (isEnd(state.status)) {
        indexer.ended(turn.turnId)
        onIdle(turn.chatSessionId)
      }
      const registrationId = state.assigned?.registrationId
      seatOf(registrationId)?.advanced()
      const record = registrationId === undefined ? undefined : directory.recordOf(registrationId)
      if (record) onDroneChanged(record)
    },
    onFenced: (turn) => {
      permissions.forget(turn.turnId)
      steering.forget(turn.turnId)
      seatOf(turn.state.assigned?.registrationId)?.abortOrder(turn.turnId, turn.loggedAttempt)
    },
    delaysOf: (turn) => orders.delaysOf(turn),
  })
}

function followDrones(parties: Parties): void {
  const { turns, orders, permissions, steering, directory, quarantines, graceMs, onDroneChanged } = parties
  directory.listen({
    onHere: (drone) => {
      const mine = turns.ofDrone(drone.registrationId)
      const isOlder = ({ state: { assigned } }: Turn): boolean => assigned?.instanceId !== drone.instanceId
      if (mine.some((turn) => isOlder(turn) && phaseOf(turn.state) === 'working')) {
        quarantines.crashed(drone.registrationId)
      }
      for (const turn of mine) {
        const { assigned, attempt } = turn.state
        if (isOlder(turn)) {
          orders.ownerLost(turn, attempt, `Drone ${drone.droneId} was restarted.`)
        } else if (assigned?.acknowledged) {
          permissions.repeat(turn.turnId)
          steering.offer(turn)
        } else orders.offer(turn)
      }
      orders.consider()
    },
    onGone: (record, instanceId) => {
      for (const turn of turns.ofDrone(record.registrationId)) {
        if (turn.state.assigned?.instanceId !== instanceId) continue
        const isFinal = !orders.hasAlternative(turn, record.registrationId)
        const reason = `Drone ${record.droneId} did not come back within ${Math.round(graceMs / 1000)} s.`
        orders.ownerLost(turn, turn.state.attempt, reason, isFinal)
      }
    },
    onChanged: onDroneChanged,
  })
}
