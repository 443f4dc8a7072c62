import type { ChatQueue, QueuedMessageView } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import { checkOffered } from './choosing.ts'
import type { Exclusive } from './chat-sessions.ts'
import type { News } from './feed.ts'
import { pick } from './header.ts'
import { admit, findOrMake, isForgotten, liveTurnOf, messageOf, sessionIdFor, start } from './sending.ts'
import type { Begun, Message, Sending } from './sending.ts'
import type { Steering } from './steering.ts'
import type { ChatSessionRecord, QueuedMessage, TurnHeader } from './turn-store.ts'
import { untilStored } from './until-stored.ts'

/** Messages of one session that wait: nobody plans further ahead. */
const MAX_WAITING = 100
/** UTF-16 units of all of them: the session is written anew with each change of it. */
const MAX_UNITS = 262_144

export interface Queueing extends Sending {
  /** Nothing is live in a session: what waits in its queue may start. */
  readonly onIdle: (chatSessionId: string) => void
  readonly steering: Pick<Steering, 'takes' | 'add'>
}

export interface Queued {
  readonly chatSessionId: string
  readonly startedTurn: boolean
  /** The turn that the message has become, or is for. */
  readonly turnId?: string
  readonly status?: TurnStatus
  /** Its place in the queue, 1 for the next. */
  readonly position?: number
  readonly repeated?: true
}

/** [CQ1] A message that starts a turn where none is live, steers the live one, or becomes the next. Once it is stored. */
export async function queueMessage(
  relay: Queueing,
  userId: string,
  { steer = false, ...sent }: ChatQueue,
): Promise<Queued> {
  const { store, sessions } = relay
  const known = await store.findMessage(userId, sent.messageId)
  const chatSessionId = known?.chatSessionId ?? sent.chatSessionId ?? sessionIdFor(userId, sent.messageId)
  const message = await messageOf(relay, userId, sent)
  await findOrMake(relay, userId, chatSessionId, message)
  let isStuck = false
  const done = await sessions.exclusively(chatSessionId, async (held): Promise<Queued | Begun> => {
    const session = await sessions.of(userId, chatSessionId)
    const place = session.queue.findIndex(({ messageId }) => messageId === message.messageId)
    if (place >= 0) return { ...waiting(session, place), repeated: true }
    const twin = await store.findMessage(userId, message.messageId)
    if (twin && !isForgotten(relay, session, twin)) return repeated(twin, message)
    checkOffered(relay.directory, session, message)
    const live = await liveTurnOf(relay, session)
    if (live === undefined && session.queue.length === 0) return start(relay, held, session, message, twin)
    // Whatever kept the first of them from starting, it is tried again.
    isStuck = live === undefined
    const steers = steer && live !== undefined && relay.steering.takes(live) ? live : undefined
    return append(relay, held, session, { ...message, by: userId, ...(steers ? { steers } : {}) })
  })
  if (isStuck) relay.onIdle(chatSessionId)
  if (!('header' in done)) return done
  return { ...(await admit(relay, done)), startedTurn: true }
}

/** [CQ4] Other words for a message that waits; where it has started already, the turn it is in. */
export function editQueued(
  relay: Queueing,
  userId: string,
  { chatSessionId, messageId, content }: { chatSessionId: string; messageId: string; content: string },
): Promise<{ turnId?: string }> {
  const edited = (message: QueuedMessage): QueuedMessage => ({ ...message, content: content.toWellFormed() })
  return changeWaiting(relay, userId, chatSessionId, messageId, (queue) => {
    const changed = queue.map((message) => (message.messageId === messageId ? edited(message) : message))
    checkRoom(changed)
    return changed
  })
}

/** [CQ4] Takes a message back that waits; where it has started already, the turn it is in. */
export function cancelQueued(
  relay: Queueing,
  userId: string,
  { chatSessionId, messageId }: { chatSessionId: string; messageId: string },
): Promise<{ turnId?: string }> {
  return changeWaiting(relay, userId, chatSessionId, messageId, (queue) => without(queue, messageId))
}

/**
 * [CQ2] Nothing is live in a session any more, or it was found so after a start: the next message becomes a turn, however
 * long the store is away.
 */
export async function startNext(relay: Queueing, chatSessionId: string): Promise<void> {
  const { clock, sessions } = relay
  let begun: Begun | undefined
  const take = async (): Promise<void> => {
    begun = await sessions.exclusively(chatSessionId, (held) => takeNext(relay, held, chatSessionId))
  }
  const isTaken = await untilStored(clock, () => sessions.closed, take)
  if (!isTaken || !begun) return
  await admit(relay, begun).catch((error: unknown) => {
    // It goes on, under another owner.
    if (!(error instanceof RelayError && error.code === 'fenced')) throw error
  })
}

async function takeNext(relay: Queueing, held: Exclusive, chatSessionId: string): Promise<Begun | undefined> {
  const { store, turns } = relay
  for (;;) {
    const session = await store.readSession(chatSessionId)
    const [next] = session?.queue ?? []
    if (!session || !next) return undefined
    // An end that is decided and not stored yet may be lost, and what the turn took with it: its telling comes here again.
    if (session.liveTurnId !== undefined && turns.get(session.liveTurnId)) return undefined
    if ((await liveTurnOf(relay, session)) !== undefined) return undefined
    const twin = await store.findMessage(session.userId, next.messageId)
    // Inserted by a call of unknown outcome and given up, while its message was sent again and came to wait.
    const isHere = twin?.chatSessionId === chatSessionId
    const isUnused = isHere && twin.status === 'aborted' && twin.assigned === undefined
    const again = isUnused ? await store.reopen(twin.turnId, twin.generation, relay.nodeId) : twin
    // Somebody who uses an id for two sessions has had it done in the other.
    const isDone = again && (isEnd(again.status) || !isHere)
    const isTaken = isDone ?? (await isInTurn(relay, next))
    const leaves = ({ queue }: ChatSessionRecord) => ({ queue: without(queue, next.messageId) })
    const begun = isTaken ? undefined : await start(relay, held, session, next, again, leaves)
    // Taken, it is still there because the relay died before it had left the queue.
    await held.announce(isTaken ? leaves : () => ({}), queueNews)
    if (begun) return begun
  }
}

/** A steer that its turn took: the relay died before it had left the queue. */
async function isInTurn({ store }: Queueing, { steers, messageId }: QueuedMessage): Promise<boolean> {
  const turn = steers === undefined ? undefined : await store.readTurn(steers)
  return turn?.steers?.some((steer) => steer.messageId === messageId) ?? false
}

/** After a start: what waits for a turn that goes on waits on, everything else starts. */
export async function recallQueues(relay: Queueing): Promise<void> {
  const { store, turns, steering } = relay
  for await (const { chatSessionId, queue, liveTurnId } of store.sessionsWithQueue()) {
    const live = liveTurnId === undefined ? undefined : turns.get(liveTurnId)
    if (!live || live.ended) {
      // Whoever waits for the start need not wait for these.
      relay.onIdle(chatSessionId)
      continue
    }
    for (const message of queue) if (message.steers === live.turnId) steering.add(live, message)
  }
}

/** What the queue is after a change of it. */
export function queueNews({ chatSessionId, version, queue }: ChatSessionRecord): News {
  return {
    kind: 'news',
    name: 'queue:changed',
    payload: { chatSessionId, version, queue: viewOfQueue(queue) },
  }
}

export function viewOfQueue(queue: readonly QueuedMessage[]): QueuedMessageView[] {
  return queue.map((message) => ({
    messageId: message.messageId,
    content: message.content,
    by: message.by,
    ...pick(message, 'steers', 'attachments'),
  }))
}

async function append(
  relay: Queueing,
  held: Exclusive,
  session: ChatSessionRecord,
  message: QueuedMessage,
): Promise<Queued> {
  const { steers, messageId } = message
  // Whatever its turn does not take comes before what was to follow the turn.
  const ahead = steers
    ? session.queue.filter((other) => other.steers === steers).length
    : session.queue.length
  const added = (queue: readonly QueuedMessage[]): QueuedMessage[] => queue.toSpliced(ahead, 0, message)
  checkRoom(added(session.queue))
  await held.announce(({ queue }) => ({ queue: added(queue) }), queueNews)
  const turn = steers === undefined ? undefined : relay.turns.get(steers)
  if (turn) relay.steering.add(turn, message)
  const queue = added(session.queue)
  return waiting(
    { ...session, queue },
    queue.findIndex((other) => other.messageId === messageId),
  )
}

function checkRoom(queue: readonly QueuedMessage[]): void {
  if (queue.length > MAX_WAITING)
    throw new RelayError('rate_limited', `${MAX_WAITING} messages of this session wait already.`)
  const units = queue.reduce((sum, { content }) => sum + content.length, 0)
  if (units > MAX_UNITS)
    throw new RelayError(
      'payload_too_large',
      `The messages that wait may have ${MAX_UNITS} characters together.`,
    )
}

function waiting({ chatSessionId, queue }: ChatSessionRecord, place: number): Queued {
  const steers = queue[place]?.steers
  const turn = steers === undefined ? {} : { turnId: steers }
  return { chatSessionId, startedTurn: false, ...turn, position: place + 1 }
}

function repeated({ chatSessionId, turnId, status, messageId }: TurnHeader, message: Message): Queued {
  const startedTurn = messageId === message.messageId
  return { chatSessionId, startedTurn, turnId, status, repeated: true }
}

function without(queue: readonly QueuedMessage[], messageId: string): QueuedMessage[] {
  return queue.filter((message) => message.messageId !== messageId)
}

async function changeWaiting(
  { store, sessions }: Queueing,
  userId: string,
  chatSessionId: string,
  messageId: string,
  change: (queue: readonly QueuedMessage[]) => QueuedMessage[],
): Promise<{ turnId?: string }> {
  return sessions.exclusively(chatSessionId, async (held) => {
    const session = await sessions.of(userId, chatSessionId)
    const message = session.queue.find((waits) => waits.messageId === messageId)
    if (message && (message.steers === undefined || message.steers !== session.liveTurnId)) {
      const queue = change(session.queue)
      await held.announce(() => ({ queue }), queueNews)
      return {}
    }
    // On its way to an agent it may be taken any moment: what its turn makes of it is the answer.
    const turnId = message?.steers ?? (await store.findMessage(userId, messageId))?.turnId
    if (turnId === undefined)
      throw new RelayError('not_found', `No message ${messageId} waits in chat session ${chatSessionId}.`)
    return { turnId }
  })
}
