import type { ChatTurnDocument, EarlierAttemptDocument } from '../../../models/chat-turn.ts'
import type { TurnLaneDocument } from '../../../models/turn-lane.ts'
import { isEnd } from '../../protocol/turn-view.ts'
import type { EarlierAttempt, StoredLane, TurnHeader, TurnState } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { requestOf, stateOf } from '../../turns/header.ts'
import { headerOf } from '../turn-record.ts'
import { entryDocument, placedFrom } from './entry-document.ts'

/** How a header is written into the document of its turn, and read from it. */
export function turnDocument(header: TurnHeader): ChatTurnDocument {
  const { turnId, labels, ...request } = requestOf(header)
  return {
    _id: turnId,
    ...request,
    ...(labels ? { labels: JSON.stringify(labels) } : {}),
    sessionKey: nameHash(header.chatSessionId),
    messageKey: nameHash(header.userId, header.messageId),
    ...stateFields(stateOf(header)),
    generation: header.generation,
    version: header.version,
    node: header.node,
    lanes: lanesDocument(header.lanes),
  } as ChatTurnDocument
}

export function headerFrom(document: ChatTurnDocument): TurnHeader {
  const { _id, generation, version, node } = document
  const stored = document as unknown as TurnHeader
  const earlier = document.earlier.map((attempt): EarlierAttempt => ({
    ...attempt,
    lanes: attempt.lanes.map(laneFrom),
  }))
  const lanes: StoredLane[] = []
  for (const [number, lane] of Object.entries(document.lanes)) lanes[Number(number)] = laneFrom(lane)
  const state = { ...stateOf(stored), earlier }
  const labels = document.labels === undefined ? {} : { labels: JSON.parse(document.labels) as Labels }
  return headerOf(
    { ...requestOf(stored), ...labels, turnId: _id },
    { state, generation, version, node, lanes },
  )
}

type Labels = NonNullable<TurnHeader['labels']>

export type StateFields = Omit<TurnState, 'earlier'> & { earlier: EarlierAttemptDocument[]; live: boolean }

export function stateFields(state: TurnState): StateFields {
  const earlier = state.earlier.map(
    (attempt) => ({ ...attempt, lanes: attempt.lanes.map(laneDocument) }) as EarlierAttemptDocument,
  )
  return { ...state, earlier, live: !isEnd(state.status) }
}

export function lanesDocument(lanes: readonly StoredLane[]): Record<string, TurnLaneDocument> {
  return Object.fromEntries(lanes.map((lane, number) => [String(number), laneDocument(lane)]))
}

export function laneDocument(lane: StoredLane): TurnLaneDocument {
  return { ...lane, open: lane.open.map(entryDocument), borrowed: [...lane.borrowed] }
}

function laneFrom(document: TurnLaneDocument): StoredLane {
  return { ...document, open: document.open.map(placedFrom) }
}
