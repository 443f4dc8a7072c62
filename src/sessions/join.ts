import type { JoinAnswer } from '../protocol/code-up.ts'
import type { Cursor as StatedCursor } from '../protocol/code-up.ts'
import type { LaneHead } from '../protocol/position.ts'
import type { ResumePoint } from '../protocol/turn-view.ts'
import { viewOfSession } from '../turns/chat-sessions.ts'
import { viewOfQueue } from '../turns/message-queue.ts'
import type { ChatSessionRecord, TurnHeader, TurnStore } from '../turns/turn-store.ts'
import type { Permissions } from '../turns/permissions.ts'
import { headsOf, summaryOf } from '../turns/turn-reader.ts'
import { sessionStatus } from './session-status.ts'
import type { Follower } from './follower.ts'
import type { Surfaces } from './surfaces.ts'
import type { Terminals } from './terminals.ts'
import type { Cursor } from './watcher.ts'

/** A viewer further behind than this reads the rest over HTTP. */
const MAX_TURNS = 20

interface JoinOptions {
  readonly store: Pick<TurnStore, 'turnsOfSession' | 'readTurn'>
  readonly session: ChatSessionRecord
  readonly follower: Follower
  readonly permissions: Pick<Permissions, 'openOf'>
  readonly surfaces: Pick<Surfaces, 'ofSession'>
  readonly terminals: Pick<Terminals, 'ofSession'>
  readonly cursors: readonly StatedCursor[]
}

export interface Joined {
  readonly answer: JoinAnswer
  /** Where each turn of the answer goes on, for the watcher. */
  readonly cursors: Cursor[]
}

/** [VW1] to [VW5]: from where a viewer goes on in every lane of every turn it has to see, and why not later. */
export async function planJoin(options: JoinOptions): Promise<Joined> {
  const { store, session, follower, permissions, surfaces, terminals, cursors } = options
  const { items } = await store.turnsOfSession(session.chatSessionId, { limit: MAX_TURNS + 1 })
  const { shown, more } = turnsToShow(items, cursors)
  const resume: ResumePoint[] = []
  const points: Cursor[] = []
  for (const header of shown) {
    const heads = presentHeads(header, follower)
    const lanes = resumeTurn(header, heads, cursors)
    resume.push(...lanes)
    const { turnId, attempt } = header
    points.push({ turnId, attempt, lanes: new Map(lanes.map(({ lane, from }) => [lane, from])) })
  }
  for (const cursor of cursors) {
    if (shown.some(({ turnId }) => turnId === cursor.turnId)) continue
    if (items.some(({ turnId }) => turnId === cursor.turnId)) continue
    // Somebody else's turn is as unknown as one that is not there.
    const turn = await store.readTurn(cursor.turnId)
    if (turn?.chatSessionId === session.chatSessionId) continue
    const { turnId, attempt, lane = '' } = cursor
    resume.push({ turnId, attempt, lane, from: 0, reason: 'unknown' })
  }
  const open = permissions.openOf(session.liveTurnId)
  const answer: JoinAnswer = {
    session: viewOfSession(session, sessionStatus(session, items)),
    turns: shown.map((header) => ({
      ...summaryOf(header, presentHeads(header, follower)),
      ...(open.some(({ turnId }) => turnId === header.turnId) ? { waitingFor: 'permission' as const } : {}),
    })),
    queue: viewOfQueue(session.queue),
    permissions: open,
    terminals: terminals.ofSession(session.userId, session.chatSessionId),
    surfaces: surfaces.ofSession(session.userId, session.chatSessionId),
    version: session.version,
    resume,
    ...(more ? { more } : {}),
  }
  return { answer, cursors: points }
}

/** Oldest first, from the oldest turn with a cursor on; without cursors the live turn, else the last. */
function turnsToShow(
  newestFirst: TurnHeader[],
  cursors: readonly StatedCursor[],
): { shown: TurnHeader[]; more: boolean } {
  const places = cursors.map(({ turnId }) => newestFirst.findIndex((header) => header.turnId === turnId))
  const oldest = Math.max(0, ...places)
  const beyond = cursors.length > 0 && newestFirst.length > MAX_TURNS && places.includes(-1)
  if (beyond || oldest >= MAX_TURNS) return { shown: newestFirst.slice(0, 1), more: true }
  return { shown: newestFirst.slice(0, oldest + 1).toReversed(), more: false }
}

/** The heads that this viewer will be sent: with the words that are not stored yet. */
function presentHeads(header: TurnHeader, follower: Follower): LaneHead[] {
  const { followed } = follower
  if (followed?.turnId !== header.turnId || followed.log.attempt !== header.attempt) return headsOf(header)
  follower.handOn()
  return follower.heads()
}

function resumeTurn(header: TurnHeader, heads: LaneHead[], cursors: readonly StatedCursor[]): ResumePoint[] {
  const { turnId, attempt } = header
  const mine = cursors.filter((cursor) => cursor.turnId === turnId)
  const names = new Set(['', ...heads.map(({ lane }) => lane), ...mine.map(({ lane }) => lane ?? '')])
  return [...names].map((lane): ResumePoint => {
    const head = heads.find((known) => known.lane === lane)?.offset ?? 0
    const cursor = mine.find((stated) => (stated.lane ?? '') === lane)
    const place = { turnId, attempt, lane }
    if (!cursor) return { ...place, from: 0 }
    if (cursor.attempt < attempt) return { ...place, from: 0, reason: 'older_attempt' }
    if (cursor.attempt > attempt) return { ...place, from: 0, reason: 'ahead' }
    if (cursor.offset > head) return { ...place, from: head, reason: 'ahead' }
    return { ...place, from: cursor.offset }
  })
}
