import { isEnd } from '../protocol/turn-view.ts'
import type { SessionView, TurnStatus } from '../protocol/turn-view.ts'
import type { ChatSessionRecord } from '../turns/turn-store.ts'

/** A session is as its live turn is; without one it is idle. */
export function sessionStatus(
  session: ChatSessionRecord,
  turns: Iterable<{ readonly turnId: string; readonly status: TurnStatus }>,
): SessionView['status'] {
  for (const { turnId, status } of turns) {
    if (turnId === session.liveTurnId) return isEnd(status) ? 'idle' : status
  }
  return 'idle'
}
