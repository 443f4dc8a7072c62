import type { Limits } from '../protocol/drone-down.ts'
import type { droneUp } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ArgsOf } from '../protocol/event.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Clock } from './clock.ts'
import { pick, queuedTurn } from './header.ts'
import type { LiveTurns } from './live-turns.ts'
import { isForgotten, liveTurnOf } from './sending.ts'
import type { Turn } from './turn.ts'
import { MAIN_LANE } from './turn-log.ts'
import type { ChatSessionRecord, TurnHeader, TurnStore } from './turn-store.ts'

type Said = ArgsOf<typeof droneUp.say>[0]

interface Saying {
  readonly store: TurnStore
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly clock: Clock
  readonly nodeId: string
  readonly limits: Limits
}

interface Speaker {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  readonly workspaceId: string
  readonly instanceId: string | undefined
}

/**
 * [SY1] A drone speaks unasked: a turn without prompt, begun and ended here. Said again by the same id, it is
 * answered the same. Resolves once it is stored.
 */
export async function say(relay: Saying, speaker: Speaker, said: Said): Promise<{ turnId: string }> {
  const { sessions, turns } = relay
  const { chatSessionId } = said
  await sessions.of(speaker.userId, chatSessionId)
  const begun = await sessions.exclusively(chatSessionId, async (held) => {
    const session = await sessions.of(speaker.userId, chatSessionId)
    const header = await headerFor(relay, speaker, session, said)
    if (!('lanes' in header)) return header
    const { turnId, attempt } = header
    await held.announce(
      () => ({ liveTurnId: turnId }),
      ({ version }) => {
        const status = { turnId, attempt, status: 'queued', waitingFor: 'drone' } as const
        return { kind: 'news', name: 'turn:status', payload: { chatSessionId, version, ...status } }
      },
    )
    return header
  })
  if (!('lanes' in begun)) return begun
  const turn = turns.admit(begun)
  await speak(relay, turn, speaker, said)
  return { turnId: turn.turnId }
}

/** The turn to be spoken, or the one that was. */
async function headerFor(
  relay: Saying,
  speaker: Speaker,
  session: ChatSessionRecord,
  said: Said,
): Promise<TurnHeader | { turnId: string }> {
  const { store, nodeId } = relay
  const messageId = JSON.stringify(['say', speaker.registrationId, said.messageId])
  const twin = await store.findMessage(speaker.userId, messageId)
  const isOpen = twin !== undefined && isForgotten(relay, session, twin)
  if (twin && !isOpen && twin.status !== 'aborted') return { turnId: twin.turnId }
  const live = await liveTurnOf(relay, session)
  if (live !== undefined)
    throw new RelayError(
      'turn_in_progress',
      `Chat session ${session.chatSessionId} has a turn that is still going on.`,
    )
  if (isOpen) return twin
  // A relay died before it had stored what was said.
  const { chatSessionId } = session
  const { userId, droneId, workspaceId } = speaker
  const mentions = pick(said, 'mentions')
  const reopened = twin && (await store.reopen(twin.turnId, twin.generation, nodeId))
  return (
    reopened ??
    store.insertTurn(
      queuedTurn(relay, {
        chatSessionId,
        userId,
        messageId,
        prompt: '',
        unasked: true,
        ...mentions,
        droneId,
        workspaceId,
      }),
    )
  )
}

/** Once it is told that the turn has begun: whoever watches takes no words of a turn that was not announced. */
async function speak(
  { turns, clock, limits }: Saying,
  turn: Turn,
  speaker: Speaker,
  said: Said,
): Promise<void> {
  const { registrationId, droneId, workspaceId, instanceId } = speaker
  const to = {
    registrationId,
    droneId,
    workspaceId,
    ...(instanceId ? { instanceId } : {}),
    acknowledged: true,
  }
  turns.apply(turn, { type: 'assign', to })
  await turns.whenTold(turn)
  const texts = [
    ['thinking', said.thinking ?? ''],
    ['responding', said.content],
  ] as const
  for (const [mode, text] of texts)
    for (let from = 0; from < text.length; from += limits.textUnits) {
      const piece = text.slice(from, from + limits.textUnits)
      turns.appendNext(turn, MAIN_LANE, { kind: 'text', mode, text: piece, createdAt: clock.now() })
    }
  turns.apply(turn, { type: 'completed', success: true })
  await turn.whenStored()
}
