/** A part of a user's index that never changes once it is listed: the terms of some turns, in chunks. */
export interface Segment {
  readonly segmentId: string
  /** Turns it was made of. */
  readonly turns: number
  /** Its chunks are `1` to this; `0` says where each begins. */
  readonly chunks: number
}

/** What a user's index consists of. */
export interface SegmentList {
  /** Goes up by one with each change; 0 is of a list that nobody has written. */
  readonly revision: number
  /** What is searched. */
  readonly segments: readonly Segment[]
  /** Segments that are being written, and those that others have taken the place of. */
  readonly unlisted: readonly string[]
}

export interface ChunkPlace {
  readonly segmentId: string
  readonly chunk: number
}

/** A turn as it was in a version. */
export interface IndexedTurn {
  readonly turnId: string
  readonly version: number
}

/**
 * Where the search index is kept. It knows turns by their numbers, and later numbers are of turns that ended later.
 * Whatever is given again after an unknown outcome is there once.
 */
export interface SearchStore {
  /** The next numbers of the user, for these turns in this order. A turn that has one keeps it. */
  addTurns(userId: string, turnIds: readonly string[]): Promise<number[]>
  /** The turns of these numbers, in the same order; undefined where there is none. */
  turnIds(userId: string, numbers: readonly number[]): Promise<(string | undefined)[]>
  segments(userId: string): Promise<SegmentList>
  /** False, and nothing is changed, when the stored list is not the one before this (by `revision`). */
  replaceSegments(userId: string, list: SegmentList): Promise<boolean>
  /** Chunks of a segment that is not listed yet; the first of them has the number `from`. */
  putChunks(segmentId: string, from: number, chunks: readonly Uint8Array[]): Promise<void>
  /** Those chunks, in the same order; undefined where there is none. */
  chunks(places: readonly ChunkPlace[]): Promise<(Uint8Array | undefined)[]>
  /** All chunks of it that there are. */
  removeChunks(segmentId: string): Promise<void>
  /** Every turn that has ended and is not in the index as it ended. */
  unindexed(): AsyncIterable<string>
  /** These are in the index. */
  indexed(turns: readonly IndexedTurn[]): Promise<void>
}
