import type { TermNumbers } from '../../search/search-store.ts'
import type { Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { BLOCK_TURNS, inBlocks } from '../search-blocks.ts'
import type { Tables } from './tables.ts'
import type { TurnTable } from './turn-table.ts'
import type { WriteSize } from './write-size.ts'

/** Of the hash of a user's name: it stands in every key, and owners are compared once more when a turn is read. */
const USER_LENGTH = 22

/** Of a key with a long term, and what a record needs besides. */
const KEY_BYTES = 256

/** [FT6] The inverted index of each user. What writes is called within a transaction. */
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

  addTurn(userId: string, turnId: string): number {
    const { searchNumbers, searchTurns } = this.#tables
    const known = searchNumbers.get(turnId)
    if (known !== undefined) return known
    const user = userKey(userId)
    const range = { start: [user, Number.POSITIVE_INFINITY], end: [user], reverse: true, limit: 1 }
    const [last] = [...searchTurns.getKeys(range)]
    const number = last === undefined ? 0 : last[1] + 1
    void searchTurns.put([user, number], turnId)
    void searchNumbers.put(turnId, number)
    return number
  }

  addTerms(userId: string, added: readonly TermNumbers[]): void {
    const user = userKey(userId)
    for (const { term, numbers } of added) {
      for (const [block, places] of inBlocks(numbers)) this.#addPlaces([user, term, block], places)
    }
  }

  /** What `addTerms` may write. */
  sizeOf(added: readonly TermNumbers[]): WriteSize {
    let places = 0
    for (const { numbers } of added) places += numbers.length
    return { places, bytes: places * (BLOCK_TURNS * Uint16Array.BYTES_PER_ELEMENT + KEY_BYTES) }
  }

  numbersWith(userId: string, terms: readonly string[]): number[] {
    const user = userKey(userId)
    const numbers = terms.flatMap((term) => this.#numbersOf(user, term))
    return terms.length === 1 ? numbers : [...new Set(numbers)].toSorted((one, other) => other - one)
  }

  termsWith(userId: string, prefix: string, limit: number): string[] {
    const user = userKey(userId)
    const terms: string[] = []
    let start: (string | number)[] = [user, prefix]
    while (terms.length < limit) {
      const [key] = [...this.#tables.searchTerms.getKeys({ start, limit: 1 })]
      if (key?.[0] !== user || !key[1].startsWith(prefix)) break
      terms.push(key[1])
      start = [user, key[1], Number.POSITIVE_INFINITY]
    }
    return terms
  }

  turnIds(userId: string, numbers: readonly number[]): (string | undefined)[] {
    const user = userKey(userId)
    return numbers.map((number) => this.#tables.searchTurns.get([user, number]))
  }

  unindexed({ after, limit }: PageRequest): Page<string> {
    const range = { ...(after === undefined ? {} : { start: after, exclusiveStart: true }), limit }
    const items = [...this.#tables.unindexed.getKeys(range)]
    const next = items.length < limit ? undefined : items.at(-1)
    return { items, ...(next === undefined ? {} : { next }) }
  }

  indexed(turnId: string, version: number): void {
    if (this.#turns.read(turnId)?.version === version) void this.#tables.unindexed.remove(turnId)
  }

  #addPlaces(key: [string, string, number], places: readonly number[]): void {
    const { searchTerms } = this.#tables
    const before = searchTerms.get(key)
    const known = before && placesIn(before)
    const fresh = known ? places.filter((place) => !known.includes(place)) : places
    if (fresh.length > 0)
      void searchTerms.put(key, before ? Buffer.concat([before, bytesOf(fresh)]) : bytesOf(fresh))
  }

  #numbersOf(user: string, term: string): number[] {
    const { searchTerms } = this.#tables
    const range = {
      start: [user, term, Number.POSITIVE_INFINITY],
      end: [user, term],
      reverse: true,
    }
    const numbers: number[] = []
    for (const { key, value } of searchTerms.getRange(range)) {
      const first = key[2] * BLOCK_TURNS
      const places = placesIn(value).toSorted((one, other) => other - one)
      for (const place of places) numbers.push(first + place)
    }
    return numbers
  }
}

function userKey(userId: string): string {
  return nameHash(userId).slice(0, USER_LENGTH)
}

function bytesOf(places: readonly number[]): Buffer {
  return Buffer.from(Uint16Array.from(places).buffer)
}

/** A copy: what the file gives out is its own memory, and at any address. */
function placesIn(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(Uint8Array.from(bytes).buffer)
}
