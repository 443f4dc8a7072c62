import type { ChunkPlace, SearchStore, SegmentList } from '../../src/search/search-store.ts'

/** The part of a store that segments are kept in, in memory; each call goes through `before`, which may fail. */
export class MemoryIndex implements Pick<
  SearchStore,
  'segments' | 'replaceSegments' | 'putChunks' | 'chunks' | 'removeChunks'
> {
  readonly lists = new Map<string, SegmentList>()
  readonly kept = new Map<string, Uint8Array>()
  readonly #before: () => Promise<void>

  constructor(before: () => Promise<void> = () => Promise.resolve()) {
    this.#before = before
  }

  async segments(userId: string): Promise<SegmentList> {
    await this.#before()
    return this.lists.get(userId) ?? { revision: 0, segments: [], unlisted: [] }
  }

  async replaceSegments(userId: string, list: SegmentList): Promise<boolean> {
    await this.#before()
    if ((this.lists.get(userId)?.revision ?? 0) !== list.revision - 1) return false
    this.lists.set(userId, list)
    return true
  }

  async putChunks(segmentId: string, from: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.#before()
    for (const [index, bytes] of chunks.entries())
      this.kept.set(`${segmentId}:${from + index}`, Uint8Array.from(bytes))
  }

  async chunks(places: readonly ChunkPlace[]): Promise<(Uint8Array | undefined)[]> {
    await this.#before()
    return places.map(({ segmentId, chunk }) => this.kept.get(`${segmentId}:${chunk}`))
  }

  async removeChunks(segmentId: string): Promise<void> {
    await this.#before()
    for (const key of this.kept.keys()) if (key.startsWith(`${segmentId}:`)) this.kept.delete(key)
  }
}
