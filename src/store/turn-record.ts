import type { FlushBatch, StoredLane, TurnHeader, TurnRequest, TurnState } from '../turns/turn-store.ts'

/** What changes of a turn, apart from what never does: stored apart, so that a commit does not write the prompt anew. */
export interface TurnRecord {
  readonly state: TurnState
  readonly generation: number
  readonly version: number
  readonly node: string
  readonly lanes: readonly StoredLane[]
}

/** `satisfies` makes the compiler ask for a field that the interface gained. */
const REQUEST_FIELDS = Object.keys({
  turnId: 1,
  chatSessionId: 1,
  userId: 1,
  messageId: 1,
  prompt: 1,
  droneId: 1,
  workspaceId: 1,
  agent: 1,
  model: 1,
  provider: 1,
  thinkingLevel: 1,
  cwd: 1,
  attachments: 1,
  labels: 1,
  unasked: 1,
  mentions: 1,
  createdAt: 1,
} satisfies Record<keyof TurnRequest, 1>) as (keyof TurnRequest)[]

export const STATE_FIELDS = Object.keys({
  attempt: 1,
  status: 1,
  reason: 1,
  assigned: 1,
  startedAt: 1,
  endedAt: 1,
  incomplete: 1,
  usage: 1,
  steers: 1,
  toolCallCount: 1,
  sideEffects: 1,
  asks: 1,
  earlier: 1,
} satisfies Record<keyof TurnState, 1>) as (keyof TurnState)[]

function pick<T extends object, K extends keyof T>(source: T, fields: readonly K[]): Pick<T, K> {
  const present = fields
    .filter((field) => source[field] !== undefined)
    .map((field) => [field, source[field]] as const)
  return Object.fromEntries(present) as Pick<T, K>
}

export function requestOf(header: TurnRequest): TurnRequest {
  return pick(header, REQUEST_FIELDS)
}

export function stateOf(header: TurnState): TurnState {
  return pick(header, STATE_FIELDS)
}

export function recordOf(header: TurnHeader): TurnRecord {
  const { generation, version, node, lanes } = header
  return { state: stateOf(header), generation, version, node, lanes }
}

export function headerOf(request: TurnRequest, record: TurnRecord): TurnHeader {
  const { state, generation, version, node, lanes } = record
  return { ...request, ...state, generation, version, node, lanes }
}

/** The record after the batch; whether the batch applies is for the caller to know. */
export function afterBatch(record: TurnRecord, batch: FlushBatch): TurnRecord {
  return {
    state: batch.state ?? record.state,
    generation: record.generation,
    version: batch.version + 1,
    node: record.node,
    lanes: lanesAfterBatch(record.lanes, batch),
  }
}

/** The batch gives up its attempt and begins the next. */
export function opensAttempt(batch: FlushBatch): boolean {
  return batch.state !== undefined && batch.state.attempt !== batch.attempt
}

export function lanesAfterBatch(before: readonly StoredLane[], batch: FlushBatch): readonly StoredLane[] {
  if (opensAttempt(batch)) return batch.nextLanes ?? []
  const lanes = [...before]
  for (const lane of batch.lanes) lanes[lane.number] = lane.after
  return lanes
}
