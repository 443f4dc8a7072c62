import type { TurnStatusChanged } from '../protocol/code-down.ts'
import type { LaneHead } from '../protocol/position.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { SessionChange } from './chat-sessions.ts'
import type { News } from './feed.ts'
import { pick } from './header.ts'
import type { Turn } from './turn.ts'
import type { ChatSessionRecord, TurnState } from './turn-store.ts'
import { counted } from './usage.ts'

/** How long a turn that waits will: for its next attempt, or at most for a yes. */
export interface Delays {
  readonly retryInMs?: number
  readonly expiresInMs?: number
}

/** What a turn's new state means for its chat session. */
export function sessionChange(
  session: ChatSessionRecord,
  turn: Turn,
  state: TurnState,
  now: number,
): SessionChange {
  if (isEnd(state.status)) {
    const usage = counted(
      session.usage,
      { ...pick(turn.request, 'model', 'unasked'), turnId: turn.turnId, ...state },
      now,
    )
    // The next one may have begun when this end was decided and not told yet.
    return session.liveTurnId === turn.turnId ? { usage, liveTurnId: undefined } : { usage }
  }
  const { assigned } = state
  if (state.status !== 'processing' || !assigned) return {}
  return { droneId: assigned.droneId, workspaceId: assigned.workspaceId }
}

/** What viewers are told of it. */
export function newsOf(
  session: ChatSessionRecord,
  turn: Turn,
  state: TurnState,
  heads: readonly LaneHead[],
  delays: Delays,
): News {
  const { turnId, chatSessionId, request } = turn
  const { version } = session
  if (state.status === 'processing') {
    const payload = {
      chatSessionId,
      version,
      turnId,
      attempt: state.attempt,
      messageId: request.messageId,
      prompt: request.prompt,
      ...pick(request, 'attachments', 'unasked', 'mentions'),
      ...(state.assigned ? { droneId: state.assigned.droneId } : {}),
      ...(request.model === undefined ? {} : { model: request.model }),
      ...(state.startedAt === undefined ? {} : { startedAt: new Date(state.startedAt).toISOString() }),
    }
    return { kind: 'news', name: 'turn:started', payload }
  }
  const payload: TurnStatusChanged = {
    chatSessionId,
    version,
    turnId,
    attempt: state.attempt,
    status: state.status,
    ...(state.reason === undefined ? {} : { reason: state.reason }),
    ...(isEnd(state.status)
      ? { heads: [...heads] }
      : { waitingFor: state.asks ? 'retry' : 'drone', ...delays }),
  }
  return { kind: 'news', name: 'turn:status', payload }
}
