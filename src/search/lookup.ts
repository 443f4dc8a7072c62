import { RelayError } from '../protocol/errors.ts'
import { numbersOfAll, termsOf } from './chunks.ts'
import type { ChunkPlace, SearchStore, Segment } from './search-store.ts'

/** Chunks of a user's index that one search reads for words of which only the beginning is given. */
const MOST_PREFIX_CHUNKS = 512
/** So often a look up begins anew. */
const MOST_TRIES = 10

/** What is looked up: a term, or all terms that begin so. */
export interface Wanted {
  readonly term: string
  readonly isPrefix: boolean
}

export interface Found {
  /** For each that was wanted the numbers of the turns that have it, rising. */
  readonly numbers: readonly (readonly number[])[]
  /** So many terms begin so that not all were read. */
  readonly partial: boolean
}

type LookedUp = Pick<SearchStore, 'segments' | 'chunks'>

/**
 * Looks all terms up at once, in three reads: what segments there are, where in them the terms would be, and there. One
 * that others take the place of meanwhile is gone then: it begins anew.
 */
export async function lookUp(store: LookedUp, userId: string, wanted: readonly Wanted[]): Promise<Found> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const found = await lookUpOnce(store, userId, wanted)
    if (found) return found
  }
  throw new RelayError('store_unavailable', 'The search index is being changed all the time: search again.')
}

async function lookUpOnce(
  store: LookedUp,
  userId: string,
  wanted: readonly Wanted[],
): Promise<Found | undefined> {
  const { segments } = await store.segments(userId)
  // The last one written first: what is left out is of long ago.
  const directories = await directoriesOf(store, segments.toReversed())
  if (!directories) return undefined
  let left = MOST_PREFIX_CHUNKS
  let partial = false
  const places = wanted.map((want) => {
    const all = directories.flatMap((directory) => placesOf(directory, want))
    if (!want.isPrefix) return all
    const some = all.slice(0, left)
    left -= some.length
    if (some.length < all.length) partial = true
    return some
  })
  const chunks = await allOf(store, places.flat())
  if (!chunks) return undefined
  let at = 0
  const numbers = wanted.map((want, index) => {
    const some = chunks.slice(at, (at += places[index]?.length ?? 0))
    return numbersOfAll(some.flatMap((bytes) => [...bytesWith(bytes, want)]))
  })
  return { numbers, partial }
}

/** Undefined where any of them is not there. */
async function allOf(store: LookedUp, places: readonly ChunkPlace[]): Promise<Uint8Array[] | undefined> {
  const found = await store.chunks(places)
  const present = found.filter((bytes) => bytes !== undefined)
  return present.length === places.length ? present : undefined
}

/** A segment, and the first term of each of its chunks. */
interface Directory {
  readonly segmentId: string
  readonly firsts: readonly string[]
}

async function directoriesOf(
  store: LookedUp,
  segments: readonly Segment[],
): Promise<Directory[] | undefined> {
  // What has one chunk needs nobody to say where its terms are.
  const several = segments.filter(({ chunks }) => chunks > 1)
  const stored = await allOf(
    store,
    several.map(({ segmentId }) => ({ segmentId, chunk: 0 })),
  )
  if (!stored) return undefined
  const firsts = new Map(several.map(({ segmentId }, index) => [segmentId, firstsIn(stored[index])]))
  return segments.map(({ segmentId }) => ({ segmentId, firsts: firsts.get(segmentId) ?? [''] }))
}

function firstsIn(bytes: Uint8Array = Buffer.from('[]')): string[] {
  return JSON.parse(Buffer.from(bytes).toString()) as string[]
}

/** The chunks of a segment that have what is wanted, if it has it. */
function placesOf({ segmentId, firsts }: Directory, { term, isPrefix }: Wanted): ChunkPlace[] {
  const places: ChunkPlace[] = []
  for (const [index, first] of firsts.entries()) {
    if (first > term && !(isPrefix && first.startsWith(term))) break
    const next = firsts[index + 1]
    if (next === undefined || next > term) places.push({ segmentId, chunk: index + 1 })
  }
  return places
}

function* bytesWith(chunk: Uint8Array, { term, isPrefix }: Wanted): Generator<Uint8Array> {
  for (const stored of termsOf(chunk)) {
    if (stored.term === term || (isPrefix && stored.term.startsWith(term))) yield stored.numberBytes
    else if (stored.term > term) return
  }
}
