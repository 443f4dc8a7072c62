import type { ChunkPlace, IndexedTurn, SegmentList } from '../../search/search-store.ts'
import type { Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import type { Tables } from './tables.ts'
import type { TurnTable } from './turn-table.ts'

/** Nobody has written one. */
const NO_SEGMENTS: SegmentList = { revision: 0, segments: [], unlisted: [] }

/** [FT6] The search index of each user. What writes is called within a transaction. */
export class SearchTable {
  readonly #file: { readonly tables: Tables }
  readonly #turns: Pick<TurnTable, 'read'>

  constructor(file: { readonly tables: Tables }, turns: Pick<TurnTable, 'read'>) {
    this.#file = file
    this.#turns = turns
  }

  get #tables(): Tables {
    return this.#file.tables
  }

  addTurns(userId: string, turnIds: readonly string[]): number[] {
    const { searchNumbers, searchTurns } = this.#tables
    const user = nameHash(userId)
    const range = { start: [user, Number.POSITIVE_INFINITY], end: [user], reverse: true, limit: 1 }
    const [last] = [...searchTurns.getKeys(range)]
    let next = last === undefined ? 0 : last[1] + 1
    return turnIds.map((turnId) => {
      const known = searchNumbers.get(turnId)
      if (known !== undefined) return known
      const number = next++
      void searchTurns.put([user, number], turnId)
      void searchNumbers.put(turnId, number)
      return number
    })
  }

  turnIds(userId: string, numbers: readonly number[]): (string | undefined)[] {
    const user = nameHash(userId)
    return numbers.map((number) => this.#tables.searchTurns.get([user, number]))
  }

  segments(userId: string): SegmentList {
    return this.#tables.searchSegments.get(nameHash(userId)) ?? NO_SEGMENTS
  }

  replaceSegments(userId: string, list: SegmentList): boolean {
    if (this.segments(userId).revision !== list.revision - 1) return false
    void this.#tables.searchSegments.put(nameHash(userId), list)
    return true
  }

  putChunks(segmentId: string, from: number, chunks: readonly Uint8Array[]): void {
    for (const [index, bytes] of chunks.entries())
      void this.#tables.searchChunks.put([segmentId, from + index], Buffer.from(bytes))
  }

  /** Copies: what the file gives out is its own memory. */
  chunks(places: readonly ChunkPlace[]): (Uint8Array | undefined)[] {
    return places.map(({ segmentId, chunk }) => {
      const bytes = this.#tables.searchChunks.get([segmentId, chunk])
      return bytes && Uint8Array.from(bytes)
    })
  }

  /** Some of its chunks; false when there were none. */
  removeChunks(segmentId: string, limit: number): boolean {
    const range = { start: [segmentId], end: [segmentId, Number.POSITIVE_INFINITY], limit }
    const keys = [...this.#tables.searchChunks.getKeys(range)]
    for (const key of keys) void this.#tables.searchChunks.remove(key)
    return keys.length > 0
  }

  unindexed({ after, limit }: PageRequest): Page<string> {
    const range = { ...(after === undefined ? {} : { start: after, exclusiveStart: true }), limit }
    const items = [...this.#tables.unindexed.getKeys(range)]
    const next = items.length < limit ? undefined : items.at(-1)
    return { items, ...(next === undefined ? {} : { next }) }
  }

  indexed(turns: readonly IndexedTurn[]): void {
    for (const { turnId, version } of turns)
      if (this.#turns.read(turnId)?.version === version) void this.#tables.unindexed.remove(turnId)
  }
}
