import { createHash } from 'node:crypto'
import type { ChatSend } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Clock } from './clock.ts'
import { pick } from './header.ts'
import type { LiveTurns } from './live-turns.ts'
import { newId } from './new-id.ts'
import type { ChatSessionRecord, TurnHeader, TurnStore } from './turn-store.ts'
import type { WorkOrders } from './work-orders.ts'

/** A title is made of the first words of the first message. */
const TITLE_UNITS = 80

/** How long a message that may have been stored, or not, may be sent again and go on. */
const FORGOTTEN_MS = 60_000

export interface Sending {
  readonly store: TurnStore
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly clock: Clock
  readonly nodeId: string
}

export interface Sent {
  readonly chatSessionId: string
  readonly turnId: string
  readonly status: TurnStatus
  /** The message had been sent before: nothing new was started. */
  readonly repeated?: true
}

/**
 * The session a message goes to when it names none: the same one for the same message, so that sending the first
 * message twice cannot make two sessions.
 */
export function sessionIdFor(userId: string, messageId: string): string {
  return createHash('sha256')
    .update(JSON.stringify([userId, messageId]))
    .digest('base64url')
    .slice(0, 22)
}

/** [CS1] Starts a turn: stored as queued, named by its session, and only then given to a drone. */
export async function send(relay: Sending, userId: string, message: ChatSend): Promise<Sent> {
  const { store, sessions, turns, orders } = relay
  if (message.attachments && message.attachments.length > 0) {
    throw new RelayError('invalid_payload', 'This relay takes no attachments yet: send the text alone.')
  }
  const before = await store.findMessage(userId, message.messageId)
  if (before && (before.status !== 'queued' || turns.get(before.turnId))) return repeated(before)
  const chatSessionId =
    before?.chatSessionId ?? message.chatSessionId ?? sessionIdFor(userId, message.messageId)
  await sessions.findOrMake(userId, chatSessionId, {
    title: message.content.slice(0, TITLE_UNITS).toWellFormed(),
    ...pick(message, 'workspaceId', 'droneId', 'agent'),
  })
  const begun = await sessions.exclusively(chatSessionId, async (held) => {
    const session = await sessions.of(userId, chatSessionId)
    // The same message, sent twice at once: the first of them has made the turn meanwhile.
    const twin = await store.findMessage(userId, message.messageId)
    if (twin && !isForgotten(relay, session, twin)) return { header: twin, isNew: false }
    await refuseSecond(relay, session)
    const inserted = twin ?? (await insert(relay, headerOf(relay, userId, session, message)))
    await held.announce(
      () => ({ liveTurnId: inserted.turnId, ...pick(message, 'workspaceId', 'droneId', 'agent') }),
      ({ version }) => {
        const { turnId, attempt } = inserted
        const payload = {
          chatSessionId,
          version,
          turnId,
          attempt,
          status: 'queued',
          waitingFor: 'drone',
        } as const
        return { kind: 'news', name: 'turn:status', payload }
      },
    )
    return { header: inserted, isNew: true, preferred: message.droneId ?? session.droneId }
  })
  if (!begun.isNew) return repeated(begun.header)
  const turn = turns.admit(begun.header)
  turn.preferredDroneId = begun.preferred
  orders.enqueue(turn)
  await turn.whenStored()
  return { chatSessionId, turnId: turn.turnId, status: turn.state.status }
}

/** [CS3] It was stored by a call whose outcome nobody knew, and went no further: it is taken up now. */
function isForgotten(
  { turns }: Sending,
  session: ChatSessionRecord,
  { turnId, status }: TurnHeader,
): boolean {
  return status === 'queued' && session.liveTurnId !== turnId && turns.get(turnId) === undefined
}

async function insert(relay: Sending, header: TurnHeader): Promise<TurnHeader> {
  try {
    return await relay.store.insertTurn(header)
  } catch (error) {
    relay.clock.after(FORGOTTEN_MS, () => void giveUp(relay, header).catch(() => undefined))
    throw error
  }
}

/** Nobody has sent the message again: if its turn was stored after all, it ends, and not only with the relay. */
async function giveUp(relay: Sending, { turnId, userId, chatSessionId }: TurnHeader): Promise<void> {
  const { store, sessions, turns, orders, nodeId } = relay
  await sessions.exclusively(chatSessionId, async () => {
    const stored = await store.readTurn(turnId)
    if (!stored || !isForgotten(relay, await sessions.of(userId, chatSessionId), stored)) return
    const mine = await store.takeOver(turnId, stored.generation, nodeId)
    if (mine)
      orders.apply(turns.admit(mine), { type: 'abort', reason: 'It was never started: send it again.' })
  })
}

function repeated({ chatSessionId, turnId, status }: TurnHeader): Sent {
  return { chatSessionId, turnId, status, repeated: true }
}

async function refuseSecond(
  { turns, store }: Sending,
  { liveTurnId, chatSessionId }: ChatSessionRecord,
): Promise<void> {
  if (liveTurnId === undefined) return
  const live = turns.get(liveTurnId)
  const ended = live ? live.ended : isEnd((await store.readTurn(liveTurnId))?.status ?? 'aborted')
  if (ended) return
  throw new RelayError(
    'turn_in_progress',
    `Chat session ${chatSessionId} has a turn that is still going on.`,
    {
      details: { turnId: liveTurnId },
    },
  )
}

function headerOf(relay: Sending, userId: string, session: ChatSessionRecord, message: ChatSend): TurnHeader {
  const now = relay.clock.now()
  return {
    turnId: newId(now),
    chatSessionId: session.chatSessionId,
    userId,
    messageId: message.messageId,
    prompt: message.content.toWellFormed(),
    ...pick(session, 'workspaceId', 'model', 'provider', 'thinkingLevel', 'agent'),
    ...pick(message, 'droneId', 'workspaceId', 'agent', 'model', 'provider', 'thinkingLevel', 'cwd'),
    createdAt: now,
    attempt: 1,
    status: 'queued',
    toolCallCount: 0,
    earlier: [],
    generation: 1,
    version: 0,
    node: relay.nodeId,
    lanes: [],
  }
}
