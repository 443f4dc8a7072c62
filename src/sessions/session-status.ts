import type { CodeDown } from '../protocol/code-down.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { SessionView, TurnStatus } from '../protocol/turn-view.ts'
import type { News } from '../turns/feed.ts'
import { viewOfSession } from '../turns/chat-sessions.ts'
import type { ChatSessionRecord, TurnStore } from '../turns/turn-store.ts'

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

/** A session as its user sees it just now. */
export async function viewNow(
  store: Pick<TurnStore, 'readTurn'>,
  session: ChatSessionRecord,
): Promise<SessionView> {
  const live = session.liveTurnId === undefined ? undefined : await store.readTurn(session.liveTurnId)
  return viewOfSession(session, sessionStatus(session, live ? [live] : []))
}

/** What the tabs of a user's clients show of news, if it says how a session stands. */
export function statusNews(news: News): SessionStatusNews | undefined {
  if (news.name === 'turn:started') return { chatSessionId: news.payload.chatSessionId, status: 'processing' }
  if (news.name !== 'turn:status') return undefined
  const { chatSessionId, status, waitingFor } = news.payload
  return { chatSessionId, status: isEnd(status) ? 'idle' : status, ...(waitingFor ? { waitingFor } : {}) }
}
type SessionStatusNews = Parameters<CodeDown['session:statusChanged']>[0]
