import { phaseOf } from '../turns/lifecycle.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import type { WorkOrders } from '../turns/work-orders.ts'
import type { Quarantines } from './quarantine.ts'

interface World {
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly quarantines: Pick<Quarantines, 'crashed'>
}

/** The drone that asks; `instanceId` is missing for a plain one. */
interface Asker {
  readonly registrationId: string
  readonly instanceId: string | undefined
}

interface Ask {
  readonly turnId: string
  readonly attempt?: number | undefined
}

type Answer =
  | { turnId: string; action: 'discard' }
  | { turnId: string; action: 'retry'; retryDelay: number; attempt: number }

/**
 * [LC5] What a drone that was restarted is to do with a turn it had: retry, and the order really follows, or discard
 * where the turn is unknown, over, somebody else's or past the attempt asked for. Asked twice, it is answered the same.
 */
export function recoveryOf({ turns, orders, quarantines }: World, asker: Asker, ask: Ask): Answer {
  const { turnId } = ask
  const turn = turns.get(turnId)
  const assigned = turn?.state.assigned
  const isMine = assigned?.registrationId === asker.registrationId
  if (!turn || !isMine || (ask.attempt !== undefined && ask.attempt !== turn.state.attempt)) {
    return { turnId, action: 'discard' }
  }
  const phase = phaseOf(turn.state)
  if (phase === 'offered' || phase === 'working') {
    const isGivenBack = asker.instanceId !== undefined && assigned?.instanceId === asker.instanceId
    if (isGivenBack && ask.attempt === undefined) {
      // Asked again when the next attempt is with the very process that asks: its order is under way.
      return { turnId, action: 'retry', retryDelay: 0, attempt: turn.state.attempt }
    }
    orders.ownerLost(turn, turn.state.attempt, 'The drone crashed during processing.')
    // One that has another instance was counted when that connected.
    if (asker.instanceId === undefined) quarantines.crashed(asker.registrationId)
  }
  const retryDelay = orders.delayOf(turnId)
  if (turn.state.status !== 'recovering' || retryDelay === undefined) return { turnId, action: 'discard' }
  return { turnId, action: 'retry', retryDelay, attempt: turn.state.attempt + 1 }
}
