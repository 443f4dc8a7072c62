import { stateOf } from '../turns/header.ts'
import type { FlushBatch, StoredLane, TurnHeader, TurnRequest, TurnState } from '../turns/turn-store.ts'

/** What changes of a turn, apart from what never does: stored apart, so that a commit does not write the prompt anew. */
export interface TurnRecord {
  readonly state: TurnState
  readonly generation: number
  readonly version: number
  readonly node: string
  readonly lanes: readonly StoredLane[]
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
