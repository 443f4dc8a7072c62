import type { ChunkPlace, IndexedTurn, SearchStore, SegmentList } from '../../search/search-store.ts'
import { itemsOf } from '../../turns/pages.ts'
import type { SearchTable } from './search-table.ts'
import type { WriteGate } from './write-gate.ts'
import { SMALL_WRITE, sizeOf } from './write-size.ts'

/** Turn ids read at a time: between two such pages no snapshot of the file is held. */
const TURN_IDS_PAGE = 1000
/** Chunks that one transaction removes. */
const CHUNKS_PAGE = 64
/** A chunk has pages of its own, the last of them not full. */
const PAGE_BYTES = 4096

interface EmbeddedSearchParts {
  readonly table: SearchTable
  readonly gate: Pick<WriteGate, 'write'>
  /** As soon as the file is open. */
  readonly read: <T>(action: () => T) => Promise<T>
}

/** The search index in the data file. */
export class EmbeddedSearch implements SearchStore {
  readonly #parts: EmbeddedSearchParts

  constructor(parts: EmbeddedSearchParts) {
    this.#parts = parts
  }

  addTurns(userId: string, turnIds: readonly string[]): Promise<number[]> {
    return this.#write((table) => table.addTurns(userId, turnIds), sizeOf(turnIds))
  }

  turnIds(userId: string, numbers: readonly number[]): Promise<(string | undefined)[]> {
    return this.#read((table) => table.turnIds(userId, numbers))
  }

  segments(userId: string): Promise<SegmentList> {
    return this.#read((table) => table.segments(userId))
  }

  replaceSegments(userId: string, list: SegmentList): Promise<boolean> {
    return this.#write((table) => table.replaceSegments(userId, list), sizeOf(list))
  }

  putChunks(segmentId: string, from: number, chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength + PAGE_BYTES, 0)
    return this.#write((table) => table.putChunks(segmentId, from, chunks), { places: chunks.length, bytes })
  }

  chunks(places: readonly ChunkPlace[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read((table) => table.chunks(places))
  }

  async removeChunks(segmentId: string): Promise<void> {
    const some = { places: CHUNKS_PAGE, bytes: 0 }
    while (await this.#write((table) => table.removeChunks(segmentId, CHUNKS_PAGE), some));
  }

  unindexed(): AsyncIterable<string> {
    return itemsOf((page) => this.#read((table) => table.unindexed(page)), TURN_IDS_PAGE)
  }

  indexed(turns: readonly IndexedTurn[]): Promise<void> {
    const places = { places: turns.length, bytes: 0 }
    return this.#write((table) => table.indexed(turns), places)
  }

  #read<T>(action: (table: SearchTable) => T): Promise<T> {
    return this.#parts.read(() => action(this.#parts.table))
  }

  #write<T>(action: (table: SearchTable) => T, size = SMALL_WRITE): Promise<T> {
    return this.#parts.gate.write(
      () => action(this.#parts.table),
      () => size,
    )
  }
}
