import { RelayError } from '../protocol/errors.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { LiveTurns } from './live-turns.ts'
import type { TurnStore } from './turn-store.ts'
import type { WorkOrders } from './work-orders.ts'

export interface Aborting {
  readonly store: Pick<TurnStore, 'readTurn'>
  readonly turns: LiveTurns
  readonly orders: WorkOrders
}

/** [LC8] Ends a turn of this user now, at the length held. Resolves once that is stored, with how it has ended. */
export async function abortTurn(
  { store, turns, orders }: Aborting,
  userId: string,
  turnId: string,
): Promise<{ turnId: string; status: TurnStatus }> {
  const turn = turns.get(turnId)
  if (turn?.request.userId === userId) {
    orders.apply(turn, { type: 'abort', reason: `Stopped by ${userId}.` })
    await turn.whenStored()
    return { turnId, status: turn.state.status }
  }
  const header = await store.readTurn(turnId)
  if (header?.userId !== userId || !isEnd(header.status)) {
    throw new RelayError('not_found', `There is no turn ${turnId}.`)
  }
  return { turnId, status: header.status }
}
