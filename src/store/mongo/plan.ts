import type { ChatTurnPartDocument } from '../../../models/chat-turn-part.ts'
import { isEnd } from '../../protocol/turn-view.ts'
import { endOf } from '../../turns/entry.ts'
import type { FlushBatch, LaneOwner, Part } from '../../turns/turn-store.ts'
import { STATE_FIELDS } from '../../turns/header.ts'
import { opensAttempt } from '../turn-record.ts'
import { entryDocument } from './entry-document.ts'
import { laneDocument, lanesDocument, stateFields } from './turn-document.ts'

/** [ST2] Puts `document` where nothing is, or something of no newer generation; is refused otherwise. */
export interface PartWrite {
  readonly document: ChatTurnPartDocument
}

/** [ST3] Changes the header that is as `expect` says and live, or nothing. */
export interface HeaderWrite {
  readonly turnId: string
  readonly expect: { readonly attempt: number; readonly generation: number; readonly version: number }
  readonly set: Readonly<Record<string, unknown>>
  readonly unset: readonly string[]
}

/** The parts of a lane of one attempt have this in common. */
export function laneKey(owner: Pick<LaneOwner, 'turnId' | 'attempt'>, number: number): string {
  return `${owner.turnId}:${owner.attempt}:${number}`
}

/** What has to be written before the header may say that it is there. */
export function partWrites(batch: FlushBatch): PartWrite[] {
  return batch.lanes.flatMap((lane) => lane.closed.map((part) => partWrite(batch, lane.number, part)))
}

function partWrite(batch: FlushBatch, number: number, { index, entries }: Part): PartWrite {
  const lane = laneKey(batch, number)
  const last = entries.at(-1)
  return {
    document: {
      _id: `${lane}:${index}`,
      turnId: batch.turnId,
      lane,
      index,
      end: last ? endOf(last) : 0,
      generation: batch.generation,
      entries: entries.map(entryDocument),
    },
  }
}

/** The one write that makes the batch exist. */
export function headerWrite(batch: FlushBatch): HeaderWrite {
  const { turnId, attempt, generation, version, state } = batch
  const written = state ? { ...stateFields(state), ...(isEnd(state.status) ? { unindexed: true } : {}) } : {}
  return {
    turnId,
    expect: { attempt, generation, version },
    set: { version: version + 1, ...written, ...lanesWritten(batch) },
    unset: state ? STATE_FIELDS.filter((field) => state[field] === undefined) : [],
  }
}

/** Only the lanes that changed, each a field of its own; a new attempt replaces them all. */
function lanesWritten(batch: FlushBatch): Record<string, unknown> {
  if (opensAttempt(batch)) return { lanes: lanesDocument(batch.nextLanes ?? []) }
  return Object.fromEntries(batch.lanes.map((lane) => [`lanes.${lane.number}`, laneDocument(lane.after)]))
}
