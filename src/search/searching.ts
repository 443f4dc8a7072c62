import { RelayError } from '../protocol/errors.ts'
import type { SearchAnswer, SearchHit } from '../protocol/search.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import { excerptOf } from './excerpt.ts'
import { lookUp } from './lookup.ts'
import { parseQuery } from './query.ts'
import type { Query } from './query.ts'
import { textsOf } from './turn-text.ts'

const HITS_DEFAULT = 20
/** Turns read for a page at most: what a turn said may have been replaced since it was indexed. */
const MOST_READ = 200

export interface SearchPage {
  readonly query: string
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

type Searched = Pick<TurnStore, 'search' | 'readTurn' | 'readSession' | 'readLane'>

/** [FT4] The turns of a user with all words of the query in their texts, what ended last first. */
export async function search(store: Searched, userId: string, page: SearchPage): Promise<SearchAnswer> {
  const query = parseQuery(page.query)
  const below = page.after === undefined ? Number.POSITIVE_INFINITY : parseCursor(page.after)
  const { numbers, partial } = await candidates(store, userId, query)
  const { limit = HITS_DEFAULT } = page
  const left = numbers.filter((number) => number < below)
  const hits: SearchHit[] = []
  let looked = 0
  while (hits.length < limit && looked < left.length && looked < MOST_READ) {
    const some = left.slice(looked, looked + limit - hits.length)
    const turnIds = await store.search.turnIds(userId, some)
    const found = await Promise.all(turnIds.map((turnId) => hitOf(store, userId, query, turnId)))
    hits.push(...found.filter((hit) => hit !== undefined))
    looked += some.length
  }
  const last = left[looked - 1]
  const more = last !== undefined && looked < left.length
  return { hits, ...(more ? { next: String(last) } : {}), ...(partial ? { partial } : {}) }
}

/** The numbers of the turns that the index has for all of a query, the highest first. */
async function candidates(
  store: Searched,
  userId: string,
  { terms, prefixes }: Query,
): Promise<{ numbers: number[]; partial: boolean }> {
  const { numbers, partial } = await lookUp(store.search, userId, [
    ...terms.map((term) => ({ term, isPrefix: false })),
    ...prefixes.map((term) => ({ term, isPrefix: true })),
  ])
  const shortestFirst = numbers.toSorted((one, other) => one.length - other.length)
  return { numbers: shortestFirst.reduce(inBoth).toReversed(), partial }
}

/** Of two lists that rise. */
function inBoth(some: readonly number[], others: readonly number[]): readonly number[] {
  const both: number[] = []
  let index = 0
  for (const number of some) {
    while ((others[index] ?? number) < number) index++
    if (others[index] === number) both.push(number)
  }
  return both
}

/** Undefined where the turn does not say so any more: another attempt has replaced the one that did. */
async function hitOf(
  store: Searched,
  userId: string,
  query: Query,
  turnId: string | undefined,
): Promise<SearchHit | undefined> {
  const header = turnId === undefined ? undefined : await store.readTurn(turnId)
  if (header?.userId !== userId) return undefined
  const [texts, session] = await Promise.all([
    textsOf(store, header),
    store.readSession(header.chatSessionId),
  ])
  const excerpt = excerptOf(texts, query)
  if (!excerpt) return undefined
  return {
    turnId: header.turnId,
    chatSessionId: header.chatSessionId,
    ...(session?.title === undefined ? {} : { title: session.title }),
    status: header.status,
    createdAt: new Date(header.createdAt).toISOString(),
    ...excerpt,
  }
}

function parseCursor(after: string): number {
  const number = Number(after)
  if (Number.isSafeInteger(number)) return number
  throw new RelayError('invalid_payload', 'A search goes on after the `next` of the page before.')
}
