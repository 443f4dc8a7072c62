import { RelayError } from '../protocol/errors.ts'
import type { ChatSessions } from './chat-sessions.ts'
import { decide, phaseOf } from './lifecycle.ts'
import type { LifePolicy } from './lifecycle.ts'
import type { LiveTurns } from './live-turns.ts'
import type { Turn } from './turn.ts'
import type { ChatSessionRecord, TurnHeader, TurnStore } from './turn-store.ts'
import type { WorkOrders } from './work-orders.ts'

export interface Retrying {
  readonly store: Pick<TurnStore, 'readTurn' | 'reopen' | 'turnsOfSession'>
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly policy: LifePolicy
  readonly nodeId: string
}

/**
 * [LC12] Somebody wants the next attempt of a turn: the yes that it waits for, or another try of the session's last turn
 * after it failed or was aborted. Asked twice, it is answered the same. Resolves once that is stored.
 */
export async function retryTurn(
  relay: Retrying,
  userId: string,
  turnId: string,
): Promise<{ attempt: number }> {
  const { store, sessions, turns, orders } = relay
  const header = await store.readTurn(turnId)
  if (!header || header.userId !== userId) throw new RelayError('not_found', `There is no turn ${turnId}.`)
  const live = turns.get(turnId)
  if (live && !live.ended) return retryLive(orders, live)
  const turn = await sessions.exclusively(header.chatSessionId, async (held) => {
    // The same was asked for at once by somebody else, who came first.
    const again = turns.get(turnId)
    if (again && !again.ended) return again
    const session = await sessions.of(userId, header.chatSessionId)
    const reopened = await reopen(relay, session, turnId)
    await held.announce(
      () => ({ liveTurnId: turnId }),
      ({ version, chatSessionId }) => {
        const { attempt, reason } = reopened
        const status = { turnId, attempt, status: 'recovering', waitingFor: 'drone' } as const
        const payload = { chatSessionId, version, ...status, ...(reason === undefined ? {} : { reason }) }
        return { kind: 'news', name: 'turn:status', payload }
      },
    )
    return turns.admit(reopened)
  })
  return retryLive(orders, turn)
}

function retryLive(orders: WorkOrders, turn: Turn): Promise<{ attempt: number }> {
  switch (phaseOf(turn.state)) {
    case 'asking':
      orders.apply(turn, { type: 'retry' })
      break
    case 'recovering':
      // Its backoff is over: somebody does not want to wait.
      orders.enqueue(turn)
      break
    case 'queued':
    case 'offered':
    case 'working':
    case 'ended':
      throw new RelayError(
        'turn_in_progress',
        `Turn ${turn.turnId} is being worked on: there is nothing to retry.`,
      )
  }
  // Who fits and has room has it by now.
  const { attempt, status } = turn.state
  const next = status === 'processing' ? attempt : attempt + 1
  return turn.whenStored().then(() => ({ attempt: next }))
}

async function reopen(relay: Retrying, session: ChatSessionRecord, turnId: string): Promise<TurnHeader> {
  const { store, policy, nodeId } = relay
  const { items } = await store.turnsOfSession(session.chatSessionId, { limit: 1 })
  const [last] = items
  if (last?.turnId !== turnId) {
    throw new RelayError(
      'invalid_payload',
      `Only the last turn of a chat session can be tried again: send a new message.`,
    )
  }
  if (decide(last, { type: 'retry' }, 0, policy).do !== 'reopen') {
    throw new RelayError('invalid_payload', `Turn ${turnId} has finished: there is nothing to retry.`)
  }
  const reopened = await store.reopen(turnId, last.generation, nodeId)
  if (!reopened) throw new RelayError('fenced', `Turn ${turnId} was taken up elsewhere.`)
  return reopened
}
