import type { FlushBatch } from '../../turns/turn-store.ts'

/** How much a write may change: `places` apart from each other in the data file's trees, and bytes that are new. */
export interface WriteSize {
  readonly places: number
  readonly bytes: number
}

/** What a name, a number or a record needs besides its own bytes, keys included. */
const LEAF_BYTES = 16
const RECORD_BYTES = 128

/** Tables that a write other than a commit touches at most, indexes included. */
const MOST_TABLES = 8

/** How far a turn is, with all its lanes, is written anew with each commit; few are larger. */
const HEADER_BYTES = 2048

export const SMALL_WRITE: WriteSize = { places: MOST_TABLES, bytes: RECORD_BYTES }

export function sizeOf(value: unknown): WriteSize {
  return { places: MOST_TABLES, bytes: weigh(value) + RECORD_BYTES }
}

/** Of a batch only the fresh words and the record are written: closed parts are the same words once more. */
export function sizeOfBatches(batches: readonly FlushBatch[]): WriteSize {
  let places = 0
  let bytes = 0
  for (const { lanes, state, nextLanes } of batches) {
    // How far it is, what it says of itself, its place among the unfinished, and the end of each lane.
    places += 3 + lanes.length
    bytes += HEADER_BYTES + weigh(state) + weigh(nextLanes)
    for (const { fresh } of lanes) bytes += weigh(fresh) + fresh.length * RECORD_BYTES
  }
  return { places, bytes }
}

export function sumOf(sizes: readonly WriteSize[]): WriteSize {
  const sum = { places: 0, bytes: 0 }
  for (const { places, bytes } of sizes) {
    sum.places += places
    sum.bytes += bytes
  }
  return sum
}

/** Bytes, roughly. */
export function weigh(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + LEAF_BYTES
  if (typeof value !== 'object' || value === null) return LEAF_BYTES
  let bytes = LEAF_BYTES
  if (Array.isArray(value)) {
    for (const item of value) bytes += weigh(item)
    return bytes
  }
  for (const name in value) bytes += name.length + weigh((value as Record<string, unknown>)[name])
  return bytes
}
