import type { ChatSend } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import { attachmentsOf } from './attachments.ts'
import type { ChatSessions, Exclusive, SessionChange } from './chat-sessions.ts'
import { checkOffered } from './choosing.ts'
import type { Clock } from './clock.ts'
import { derivedId } from './derived-id.ts'
import { pick, queuedTurn } from './header.ts'
import type { LiveTurns } from './live-turns.ts'
import type { Seats } from './seat.ts'
import type { Routed, Routing } from './routing.ts'
import type { ChatSessionRecord, QueuedMessage, SessionUsage, TurnHeader, TurnStore } from './turn-store.ts'
import { counted } from './usage.ts'
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
  readonly routing: Pick<Routing, 'route'>
  readonly directory: Pick<Seats, 'ofUser'>
  /** Bytes of all files of a message. */
  readonly attachmentsBytes: number
}

/** What a message asks for, whether it starts a turn now or waits. */
export type Message = Omit<QueuedMessage, 'by' | 'steers'>

export interface Sent {
  readonly chatSessionId: string
  readonly turnId: string
  readonly status: TurnStatus
  /** The message had been sent before: nothing new was started. */
  readonly repeated?: true
}

/** A turn that its session names, and that no drone has been given yet. */
export interface Begun {
  readonly header: TurnHeader
  readonly preferredDroneId: string | undefined
}

/**
 * The session a message goes to when it names none: the same one for the same message, so that sending the first
 * message twice cannot make two sessions.
 */
export function sessionIdFor(userId: string, messageId: string): string {
  return derivedId(userId, messageId)
}

/** [CS1] Starts a turn: stored as queued, named by its session, and only then given to a drone. */
export async function send(relay: Sending, userId: string, sent: ChatSend): Promise<Sent> {
  const { store, sessions, turns } = relay
  const before = await store.findMessage(userId, sent.messageId)
  if (before && (before.status !== 'queued' || turns.get(before.turnId))) return repeated(before)
  const chatSessionId = before?.chatSessionId ?? sent.chatSessionId ?? sessionIdFor(userId, sent.messageId)
  const message = await messageOf(relay, userId, sent)
  await findOrMake(relay, userId, chatSessionId, message)
  const begun = await sessions.exclusively(chatSessionId, async (held) => {
    const session = await sessions.of(userId, chatSessionId)
    if (session.queue.some(({ messageId }) => messageId === message.messageId))
      throw new RelayError(
        'invalid_payload',
        `Message ${message.messageId} waits in the queue of its session.`,
      )
    // The same message, sent twice at once: the first of them has made the turn meanwhile.
    const twin = await store.findMessage(userId, message.messageId)
    if (twin && !isForgotten(relay, session, twin)) return { header: twin, isNew: false } as const
    const live = await liveTurnOf(relay, session)
    if (live !== undefined) throw inProgress(chatSessionId, live)
    checkOffered(relay.directory, session, message)
    return { ...(await start(relay, held, session, message, twin)), isNew: true } as const
  })
  return begun.isNew ? admit(relay, begun) : repeated(begun.header)
}

/** The message with what is known of its files; refused whole where one of them is wrong. */
export async function messageOf(relay: Sending, userId: string, sent: ChatSend): Promise<Message> {
  const attachments = await attachmentsOf(relay, userId, sent.attachments ?? [])
  const { messageId, content } = sent
  return {
    messageId,
    content: content.toWellFormed(),
    ...pick(sent, 'droneId', 'workspaceId', 'agent', 'model', 'provider', 'thinkingLevel', 'cwd'),
    ...(attachments.length > 0 ? { attachments } : {}),
  }
}

export async function findOrMake(
  { sessions }: Sending,
  userId: string,
  chatSessionId: string,
  message: Message,
): Promise<void> {
  await sessions.findOrMake(userId, chatSessionId, {
    title: message.content.slice(0, TITLE_UNITS).toWellFormed(),
    ...pick(message, 'workspaceId', 'droneId', 'agent'),
  })
}

/**
 * [CS1] Stores the turn of a message as queued and has its session name it, with whatever else of that changes; `twin` is
 * the turn, where it is there already. While the session is held.
 */
export async function start(
  relay: Sending,
  held: Exclusive,
  session: ChatSessionRecord,
  message: Message,
  twin?: TurnHeader,
  change: (session: ChatSessionRecord) => SessionChange = () => ({}),
): Promise<Begun> {
  const { chatSessionId } = session
  const routed = relay.routing.route(session.userId, session, message)
  // Whatever may fail comes first: a turn that is stored has to be named.
  const usage = await uncounted(relay, session)
  const header = twin ?? (await insert(relay, headerOf(relay, session, routed)))
  const { turnId, attempt } = header
  await held.announce(
    (now) => ({
      liveTurnId: turnId,
      ...pick(message, 'workspaceId', 'droneId', 'agent'),
      ...(usage ? { usage } : {}),
      routing: routed.routing,
      ...change(now),
    }),
    ({ version }) => {
      const status = { turnId, attempt, status: 'queued', waitingFor: 'drone' } as const
      return { kind: 'news', name: 'turn:status', payload: { chatSessionId, version, ...status } }
    },
  )
  return { header, preferredDroneId: message.droneId ?? session.droneId }
}

/** [US2] The session's usage with that of its last turn, where a relay died between its end and counting it. */
async function uncounted(
  { store, clock }: Sending,
  { liveTurnId, usage }: ChatSessionRecord,
): Promise<SessionUsage | undefined> {
  const last = liveTurnId === undefined ? undefined : await store.readTurn(liveTurnId)
  return last && usage?.last.turnId !== liveTurnId ? counted(usage, last, clock.now()) : undefined
}

/** Gives a turn that has begun to a drone. Resolves once that is stored. */
export async function admit({ turns, orders }: Sending, { header, preferredDroneId }: Begun): Promise<Sent> {
  const turn = turns.admit(header)
  turn.preferredDroneId = preferredDroneId
  orders.enqueue(turn)
  await turn.whenStored()
  return { chatSessionId: turn.chatSessionId, turnId: turn.turnId, status: turn.state.status }
}

/** [CS3] It was stored by a call whose outcome nobody knew, and went no further: it is taken up now. */
export function isForgotten(
  { turns }: Pick<Sending, 'turns'>,
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

/**
 * The turn of a session that has not ended. An end that is decided and not stored yet may be lost with this relay, and
 * then the turn goes on: nothing may have begun beside it.
 */
export async function liveTurnOf(
  { turns, store }: Pick<Sending, 'turns' | 'store'>,
  { liveTurnId }: ChatSessionRecord,
): Promise<string | undefined> {
  if (liveTurnId === undefined) return undefined
  const live = turns.get(liveTurnId)
  const ended = live
    ? live.ended && live.isStateStored
    : isEnd((await store.readTurn(liveTurnId))?.status ?? 'aborted')
  return ended ? undefined : liveTurnId
}

function inProgress(chatSessionId: string, turnId: string): RelayError {
  const message = `Chat session ${chatSessionId} has a turn that is still going on: queue the message, or steer.`
  return new RelayError('turn_in_progress', message, { details: { turnId } })
}

function headerOf(relay: Sending, session: ChatSessionRecord, { message, labels }: Routed): TurnHeader {
  return queuedTurn(relay, {
    chatSessionId: session.chatSessionId,
    userId: session.userId,
    messageId: message.messageId,
    prompt: message.content,
    ...pick(session, 'workspaceId', 'model', 'provider', 'thinkingLevel', 'agent'),
    ...pick(message, 'droneId', 'workspaceId', 'agent', 'model', 'provider', 'thinkingLevel', 'cwd'),
    ...pick(message, 'attachments'),
    ...(labels ? { labels } : {}),
  })
}
