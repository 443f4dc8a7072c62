import { setImmediate } from 'node:timers/promises'
import { RelayError } from '../protocol/errors.ts'
import type { Clock } from '../turns/clock.ts'
import { newId } from '../turns/new-id.ts'
import { ChunkWriter, numbersOfAll, termsOf } from './chunks.ts'
import type { StoredTerm, TermNumbers } from './chunks.ts'
import type { SearchStore, Segment, SegmentList } from './search-store.ts'

/** Segments that have about as many turns become one: each turn is written again as often as its logarithm says. */
const MERGED_AT_ONCE = 4
/** Chunks that are read or written at a time. */
const CHUNKS_AT_A_TIME = 16
/** How long a segment may be written until it counts as given up, ms. */
const UNLISTED_MS = 120_000
/** Others change a user's list at the same time: so often it is tried again. */
const MOST_TRIES = 20

export interface SegmentsOptions {
  readonly store: SearchStore
  readonly clock: Pick<Clock, 'now' | 'ticks'>
  /** No more is written: what is not listed by then is done again. */
  readonly isClosed: () => boolean
}

/** What becomes a segment. */
interface Draft {
  readonly turns: number
  /** Adds its terms, and has what is full written. */
  readonly fill: (writer: SegmentWriter) => Promise<void>
  /** Whose place it takes. */
  readonly replaced: readonly Segment[]
}

/**
 * [FT6] Writes the index of each user, as segments that never change: new turns make a small one, and some of a size are
 * merged into a larger one, so that a term is not looked up and written again for each turn that has it. A segment counts
 * once it is listed, and the list is changed in one write: whoever dies, or is overtaken by another process, leaves only
 * chunks behind that nobody reads, and they are removed later.
 */
export class Segments {
  readonly #options: SegmentsOptions
  /** When this process first saw what is not listed, in monotonic ms: it trusts no clock of another one. */
  readonly #seen = new Map<string, number>()
  /** Those that are not there any more, and are still in the list as not listed: the next change leaves them out. */
  readonly #removed = new Set<string>()

  constructor(options: SegmentsOptions) {
    this.#options = options
  }

  /** Some turns' terms. Throws `store_unavailable` when they have to be given again. */
  async add(userId: string, turns: number, terms: ReadonlyMap<string, readonly number[]>): Promise<void> {
    const rising = [...terms].map(([term, numbers]) => ({ term, numbers })).toSorted(byTerm)
    const fill = async (writer: SegmentWriter): Promise<void> => {
      for (const { term, numbers } of rising) {
        writer.chunk.add(term, numbers)
        if (writer.chunk.isFull) await writer.next()
      }
    }
    if (await this.#make(userId, { turns, fill, replaced: [] })) return
    throw new RelayError('store_unavailable', 'The search index was changed meanwhile: this is done again.')
  }

  /** Merges what there is too much of, and removes what nobody reads any more. */
  async tidy(userId: string): Promise<void> {
    const { store, isClosed } = this.#options
    while (!isClosed()) {
      const list = await store.segments(userId)
      const replaced = mergeable(list.segments)
      if (replaced.length === 0) return this.#removeDead(userId, list)
      const turns = replaced.reduce((sum, segment) => sum + segment.turns, 0)
      const readers = replaced.map((segment) => new SegmentReader(store, segment))
      if (!(await this.#make(userId, { turns, fill: (writer) => merge(readers, writer), replaced }))) return
      for (const { segmentId } of replaced) {
        await store.removeChunks(segmentId)
        this.#removed.add(segmentId)
      }
    }
  }

  /** False where another process has taken the new one for dead, or has merged the same. */
  async #make(userId: string, { turns, fill, replaced }: Draft): Promise<boolean> {
    const segmentId = newId(this.#options.clock.now())
    await this.#change(userId, (list) => ({ ...list, unlisted: [...list.unlisted, segmentId] }))
    const writer = new SegmentWriter(this.#options, segmentId)
    try {
      await fill(writer)
      const chunks = await writer.end()
      const old = new Set(replaced.map((segment) => segment.segmentId))
      return await this.#change(userId, ({ revision, segments, unlisted }) => {
        const kept = segments.filter((segment) => !old.has(segment.segmentId))
        if (!unlisted.includes(segmentId) || segments.length - kept.length < old.size) return undefined
        return {
          revision,
          segments: [...kept, { segmentId, turns, chunks }],
          unlisted: [...unlisted.filter((id) => id !== segmentId), ...old],
        }
      })
    } catch (error) {
      if (error instanceof OvertakenError) return false
      throw error
    }
  }

  /** What has been written for too long: who did is dead. */
  async #removeDead(userId: string, { unlisted }: SegmentList): Promise<void> {
    const now = this.#options.clock.ticks()
    const dead = new Set<string>()
    for (const segmentId of unlisted) {
      if (this.#removed.has(segmentId)) continue
      const since = this.#seen.get(segmentId)
      if (since === undefined) this.#seen.set(segmentId, now)
      else if (now - since >= UNLISTED_MS) dead.add(segmentId)
    }
    if (dead.size === 0) return
    // First out of the list: whoever still writes it, and comes to list it, finds that it is not there.
    await this.#change(userId, (list) => ({
      ...list,
      unlisted: list.unlisted.filter((segmentId) => !dead.has(segmentId)),
    }))
    for (const segmentId of dead) {
      await this.#options.store.removeChunks(segmentId)
      this.#seen.delete(segmentId)
    }
  }

  /** False where `change` finds nothing to do. */
  async #change(userId: string, change: (list: SegmentList) => SegmentList | undefined): Promise<boolean> {
    const { store } = this.#options
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const list = await store.segments(userId)
      const changed = change(list)
      if (!changed) return false
      const gone = new Set(list.unlisted.filter((segmentId) => this.#removed.has(segmentId)))
      const unlisted = changed.unlisted.filter((segmentId) => !gone.has(segmentId))
      if (await store.replaceSegments(userId, { ...changed, unlisted, revision: list.revision + 1 })) {
        for (const segmentId of gone) this.#removed.delete(segmentId)
        return true
      }
    }
    throw new OvertakenError()
  }
}

/** Other processes were always first, or what was to be merged is not there any more: they have merged it. */
class OvertakenError extends Error {}

/** Writes the chunks of a segment. */
class SegmentWriter {
  readonly chunk = new ChunkWriter()
  readonly #options: Pick<SegmentsOptions, 'store' | 'isClosed'>
  readonly #segmentId: string
  readonly #firsts: string[] = []
  #full: Uint8Array[] = []

  constructor(options: Pick<SegmentsOptions, 'store' | 'isClosed'>, segmentId: string) {
    this.#options = options
    this.#segmentId = segmentId
  }

  /** The chunk is as it is to be. */
  async next(): Promise<void> {
    const taken = this.chunk.take()
    if (!taken) return
    this.#firsts.push(taken.first)
    this.#full.push(taken.bytes)
    if (this.#full.length === CHUNKS_AT_A_TIME) await this.#flush()
    // Tokens go on in between.
    await setImmediate()
  }

  /** How many chunks there are. The one written last is the first: it says where the others begin. */
  async end(): Promise<number> {
    await this.next()
    if (this.#full.length > 0) await this.#flush()
    await this.#options.store.putChunks(this.#segmentId, 0, [Buffer.from(JSON.stringify(this.#firsts))])
    return this.#firsts.length
  }

  async #flush(): Promise<void> {
    if (this.#options.isClosed()) throw new OvertakenError()
    await this.#options.store.putChunks(
      this.#segmentId,
      this.#firsts.length - this.#full.length + 1,
      this.#full,
    )
    this.#full = []
  }
}

/** Reads the terms of a segment. */
class SegmentReader {
  /** The next one, after `load`. */
  head: StoredTerm | undefined
  readonly #store: Pick<SearchStore, 'chunks'>
  readonly #segment: Segment
  #loaded: Uint8Array[] = []
  #terms: Iterator<StoredTerm, undefined> | undefined
  #nextChunk = 1

  constructor(store: Pick<SearchStore, 'chunks'>, segment: Segment) {
    this.#store = store
    this.#segment = segment
  }

  /** False when the next term has to be loaded first, if there is one. */
  advance(): boolean {
    this.head = this.#terms?.next().value
    return this.head !== undefined
  }

  async load(): Promise<void> {
    const { segmentId, chunks } = this.#segment
    if (this.#loaded.length === 0 && this.#nextChunk <= chunks) {
      const count = Math.min(CHUNKS_AT_A_TIME, chunks - this.#nextChunk + 1)
      const places = Array.from({ length: count }, (_, index) => ({
        segmentId,
        chunk: this.#nextChunk + index,
      }))
      this.#nextChunk += count
      this.#loaded = (await this.#store.chunks(places)).map(present)
    }
    const bytes = this.#loaded.shift()
    this.#terms = bytes && termsOf(bytes)
    this.advance()
  }
}

/** Each term once, with the numbers that any of the segments has for it. */
async function merge(readers: readonly SegmentReader[], writer: SegmentWriter): Promise<void> {
  await Promise.all(readers.map((reader) => reader.load()))
  for (;;) {
    const same = withLeastTerm(readers)
    const [first, second] = same
    if (!first?.head) return
    if (second)
      writer.chunk.add(first.head.term, numbersOfAll(same.flatMap(({ head }) => head?.numberBytes ?? [])))
    else writer.chunk.copy(first.head)
    if (writer.chunk.isFull) await writer.next()
    for (const reader of same) if (!reader.advance()) await reader.load()
  }
}

function withLeastTerm(readers: readonly SegmentReader[]): SegmentReader[] {
  let least: string | undefined
  let found: SegmentReader[] = []
  for (const reader of readers) {
    const term = reader.head?.term
    if (term === undefined || (least !== undefined && term > least)) continue
    if (term === least) found.push(reader)
    else found = [reader]
    least = term
  }
  return found
}

/** The smallest segments of about one size, where they are enough. */
function mergeable(segments: readonly Segment[]): Segment[] {
  const bySize = new Map<number, Segment[]>()
  for (const segment of segments) {
    const size = Math.floor(Math.log(segment.turns) / Math.log(MERGED_AT_ONCE))
    bySize.set(size, [...(bySize.get(size) ?? []), segment])
  }
  const sizes = [...bySize.keys()].toSorted((one, other) => one - other)
  const size = sizes.find((one) => (bySize.get(one) ?? []).length >= MERGED_AT_ONCE)
  return size === undefined ? [] : (bySize.get(size) ?? [])
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new OvertakenError()
  return bytes
}

function byTerm(one: TermNumbers, other: TermNumbers): number {
  return one.term < other.term ? -1 : 1
}
