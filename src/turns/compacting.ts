import type { CodeDown } from '../protocol/code-down.ts'
import type { droneUp } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ArgsOf } from '../protocol/event.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Clock } from './clock.ts'

/** UTF-16 units of a summary: it is in every later order. */
const MAX_SUMMARY_UNITS = 32_768

type Compacted = ArgsOf<(typeof droneUp)['session:compacted']>[0]

interface Compacting {
  readonly sessions: Pick<ChatSessions, 'of' | 'change'>
  readonly clock: Clock
}

/** [CM1] The session's drone has made the conversation shorter: its viewers see it, and later orders begin with the summary. */
export async function compact(
  { sessions, clock }: Compacting,
  drone: { readonly userId: string; readonly droneId: string },
  compacted: Compacted,
): Promise<void> {
  const { chatSessionId, summary, messagesSummarized, messagesKept } = compacted
  const session = await sessions.of(drone.userId, chatSessionId)
  if (session.droneId !== drone.droneId)
    throw new RelayError('not_found', `Chat session ${chatSessionId} is not with this drone.`)
  if (summary !== undefined && summary.length > MAX_SUMMARY_UNITS)
    throw new RelayError('payload_too_large', `A summary may have ${MAX_SUMMARY_UNITS} characters.`)
  const at = clock.now()
  const compaction = { at, summarized: messagesSummarized, kept: messagesKept }
  await sessions.change(
    chatSessionId,
    () => (summary === undefined ? {} : { compaction: { summary: summary.toWellFormed(), ...compaction } }),
    ({ version }) => {
      const payload: Parameters<CodeDown['session:compacted']>[0] = { ...compacted, version }
      return { kind: 'news', name: 'session:compacted', payload }
    },
  )
}
