import type { CodeDown } from '../protocol/code-down.ts'
import type { News } from './feed.ts'
import { pick } from './header.ts'
import type { Seat, Seats } from './seat.ts'
import type { ChatSessionRecord } from './turn-store.ts'
import { sessionUsageView } from './usage.ts'

/** The session's drone, if it is here. */
export function seatOf(
  seats: Pick<Seats, 'ofUser'>,
  { userId, droneId }: Pick<ChatSessionRecord, 'userId' | 'droneId'>,
): Seat | undefined {
  for (const seat of seats.ofUser(userId)) if (seat.droneId === droneId) return seat
  return undefined
}

/** [CS4] How a session is set, and what it has used: told to every viewer when anything of it changes. */
export function infoOf(seats: Pick<Seats, 'ofUser'>, session: ChatSessionRecord): News {
  const { chatSessionId, version, usage } = session
  const seat = seatOf(seats, session)
  const payload: Parameters<CodeDown['session:info']>[0] = {
    chatSessionId,
    version,
    ...pick(session, 'droneId', 'model', 'provider', 'thinkingLevel', 'agent', 'routing'),
    ...(seat ? { agentName: seat.name } : {}),
    ...(seat?.manifest.thinkingLevels ? { thinkingLevels: seat.manifest.thinkingLevels } : {}),
    ...(usage ? { usage: sessionUsageView(usage) } : {}),
  }
  return { kind: 'news', name: 'session:info', payload }
}
