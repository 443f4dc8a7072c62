import { isEnd } from '../protocol/turn-view.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { LiveTurns } from './live-turns.ts'
import { queueNews } from './message-queue.ts'
import type { Permissions } from './permissions.ts'
import type { Assignment, ChatSessionRecord, DroneRecord, TurnHeader, TurnStore } from './turn-store.ts'
import type { WorkOrders } from './work-orders.ts'

/** Turns that are taken over together: one commit of LMDB, or round trips to MongoDB side by side. */
const RECALLED_AT_ONCE = 32

interface RecallOptions {
  readonly store: Pick<TurnStore, 'unfinishedTurns' | 'takeOver' | 'readTurn' | 'readDrone' | 'readSession'>
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly permissions: Pick<Permissions, 'recall'>
  readonly nodeId: string
  /** Its turns wait for it as if its socket had just dropped. */
  readonly expect: (record: DroneRecord, instanceId: string | undefined) => void
}

/**
 * Takes over every turn that has not ended, after a start: those that were being worked on wait for their drones, the
 * rest for any. Answers how many there were.
 */
export async function recall(options: RecallOptions): Promise<number> {
  const { store, turns } = options
  const expected = new Set<string>()
  const group: Promise<Recalled>[] = []
  let recalled = 0
  const whenDone = async (): Promise<void> => {
    const outcomes = await Promise.all(group.splice(0))
    // All of them are over by now: the next try takes them over anew.
    const failed = outcomes.find(({ error }) => error !== undefined)
    if (failed) throw failed.error
    recalled += outcomes.filter(({ isMine }) => isMine).length
  }
  try {
    for await (const found of store.unfinishedTurns()) {
      group.push(recallOne(options, expected, found).then(taken, notTaken))
      if (group.length >= RECALLED_AT_ONCE) await whenDone()
    }
    await whenDone()
  } finally {
    // Also where the list itself could not be read on: nothing of this try goes on beside the next.
    await Promise.all(group)
  }
  await turns.settle()
  return recalled
}

interface Recalled {
  readonly isMine?: boolean
  readonly error?: unknown
}

const taken = (isMine: boolean): Recalled => ({ isMine })
const notTaken = (error: unknown): Recalled => ({ error })

/** False where somebody else took it over first. */
async function recallOne(
  options: RecallOptions,
  expected: Set<string>,
  found: Pick<TurnHeader, 'turnId' | 'generation'>,
): Promise<boolean> {
  const { store, turns, orders, permissions, nodeId } = options
  const header = await store.takeOver(found.turnId, found.generation, nodeId)
  if (!header) return false
  const turn = turns.admit(header)
  if (header.status !== 'processing' && !(await nameIt(options, header))) {
    orders.apply(turn, { type: 'abort', reason: 'It was never started: another turn came first.' })
    return true
  }
  if (header.unasked) {
    orders.apply(turn, { type: 'abort', reason: 'It was not stored: its drone says it again.' })
    return true
  }
  const { assigned } = header
  if (header.status !== 'processing' || !assigned) {
    orders.resume(turn)
    return true
  }
  await permissions.recall(turn)
  if (assigned.instanceId === undefined) turns.continueAnew(turn, 'The relay was restarted.')
  if (expected.has(assigned.registrationId)) return true
  expected.add(assigned.registrationId)
  const record = await store.readDrone(assigned.registrationId)
  if (record) options.expect(record, assigned.instanceId)
  else loseOwner(orders, turn, assigned)
  return true
}

/**
 * A relay that died between storing a turn and naming it left one that its session does not know. Its message was
 * stored: it goes on, unless another turn of the session has begun since.
 */
async function nameIt(
  { sessions, store }: RecallOptions,
  { chatSessionId, turnId, messageId }: TurnHeader,
): Promise<boolean> {
  const known = await store.readSession(chatSessionId)
  const live = known?.liveTurnId
  if (live === turnId) return true
  const header = live === undefined ? undefined : await store.readTurn(live)
  if (!known || (header && !isEnd(header.status))) return false
  // Its message was sent again, and went into a turn or is on its way there.
  const isSteer = known.queue.some((waits) => waits.messageId === messageId && waits.steers !== undefined)
  if (isSteer || header?.steers?.some((steer) => steer.messageId === messageId)) return false
  const withoutIt = ({ queue }: ChatSessionRecord) => queue.filter((waits) => waits.messageId !== messageId)
  const isUnchanged = (session: ChatSessionRecord): boolean => session.liveTurnId === live
  const named = await sessions.change(
    chatSessionId,
    (session) => (isUnchanged(session) ? { liveTurnId: turnId, queue: withoutIt(session) } : undefined),
    queueNews,
  )
  return named !== undefined
}

function loseOwner(orders: WorkOrders, turn: ReturnType<LiveTurns['admit']>, assigned: Assignment): void {
  orders.ownerLost(turn, turn.state.attempt, `Drone ${assigned.droneId} is not known any more.`)
}
