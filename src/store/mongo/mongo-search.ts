import type { Model } from 'mongoose'
import { chatTurnModel } from '../../../models/chat-turn.ts'
import type { ChatTurnDocument } from '../../../models/chat-turn.ts'
import { searchTermModel } from '../../../models/search-term.ts'
import type { SearchTermDocument } from '../../../models/search-term.ts'
import { searchTurnModel } from '../../../models/search-turn.ts'
import type { SearchTurnDocument } from '../../../models/search-turn.ts'
import { searchUserModel } from '../../../models/search-user.ts'
import type { SearchUserDocument } from '../../../models/search-user.ts'
import { SHORTEST_PREFIX } from '../../search/query.ts'
import type { SearchStore, TermNumbers } from '../../search/search-store.ts'
import { itemsOf } from '../../turns/pages.ts'
import type { Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { BLOCK_TURNS, inBlocks } from '../search-blocks.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed, MongoLink } from './mongo-link.ts'

/** Writes of one round trip: a server that makes one after the other is not kept from commits for long. */
const WRITES_AT_A_TIME = 16
/** Documents that one answer holds: all there are, so that no cursor is left open on the server. */
const WHOLE_ANSWER = 1_000_000
/** Turn ids read at a time. */
const TURN_IDS_PAGE = 1000

/** [FT6] The inverted index of each user, in plain documents: no server needs a text index of its own. */
export class MongoSearch implements SearchStore {
  readonly #link: MongoLink
  readonly #turns: Model<ChatTurnDocument>
  readonly #numbers: Model<SearchTurnDocument>
  readonly #terms: Model<SearchTermDocument>
  readonly #users: Model<SearchUserDocument>

  constructor(link: MongoLink) {
    const { connection } = link
    this.#link = link
    this.#turns = chatTurnModel(connection)
    this.#numbers = searchTurnModel(connection)
    this.#terms = searchTermModel(connection)
    this.#users = searchUserModel(connection)
  }

  get models(): readonly Indexed[] {
    return [this.#numbers, this.#terms, this.#users]
  }

  addTurn(userId: string, turnId: string): Promise<number> {
    return this.#link.call(async () => {
      const user = nameHash(userId)
      const known = await this.#numbers.findOne({ _id: { $eq: turnId } }).lean()
      if (known) return known.number
      const number = await this.#nextNumber(user)
      try {
        await collectionOf(this.#numbers).insertOne({
          _id: turnId,
          numberKey: numberKey(user, number),
          number,
        })
        return number
      } catch (error) {
        // Another node was first; the number taken here stays without a turn.
        const first = isDuplicate(error) && (await this.#numbers.findOne({ _id: { $eq: turnId } }).lean())
        if (first) return first.number
        throw error
      }
    })
  }

  async addTerms(userId: string, added: readonly TermNumbers[]): Promise<void> {
    const operations = added.flatMap(({ term, numbers }) => {
      const termKey = nameHash(userId, term)
      const prefixKey = nameHash(userId, term.slice(0, SHORTEST_PREFIX))
      return [...inBlocks(numbers)].map(([block, places]) => ({
        updateOne: {
          filter: { _id: { $eq: `${termKey}:${block}` } },
          update: {
            $addToSet: { numbers: { $each: places.map((place) => block * BLOCK_TURNS + place) } },
            $setOnInsert: { termKey, prefixKey, term },
          },
          upsert: true,
        },
      }))
    })
    for (let at = 0; at < operations.length; at += WRITES_AT_A_TIME) {
      await this.#link.call(async () => {
        const some = operations.slice(at, at + WRITES_AT_A_TIME)
        await collectionOf(this.#terms).bulkWrite(some, { ordered: false })
      })
    }
  }

  numbersWith(userId: string, terms: readonly string[]): Promise<number[]> {
    return this.#link.call(async () => {
      const keys = terms.map((term) => nameHash(userId, term))
      const found = await this.#terms
        .find({ termKey: { $in: keys } }, { numbers: 1 })
        .batchSize(WHOLE_ANSWER)
        .lean()
      const numbers = new Set(found.flatMap((document) => document.numbers))
      return [...numbers].toSorted((one, other) => other - one)
    })
  }

  termsWith(userId: string, prefix: string, limit: number): Promise<string[]> {
    return this.#link.call(async () => {
      const prefixKey = nameHash(userId, prefix.slice(0, SHORTEST_PREFIX))
      const terms: string[] = await this.#terms.distinct('term', { prefixKey: { $eq: prefixKey } })
      return terms
        .filter((term) => term.startsWith(prefix))
        .toSorted()
        .slice(0, limit)
    })
  }

  turnIds(userId: string, numbers: readonly number[]): Promise<(string | undefined)[]> {
    return this.#link.call(async () => {
      const user = nameHash(userId)
      const keys = numbers.map((number) => numberKey(user, number))
      const found = await this.#numbers
        .find({ numberKey: { $in: keys } })
        .batchSize(keys.length + 1)
        .lean()
      const byKey = new Map(found.map((document) => [document.numberKey, document._id]))
      return keys.map((key) => byKey.get(key))
    })
  }

  unindexed(): AsyncIterable<string> {
    return itemsOf((page) => this.#link.call(() => this.#unindexed(page)), TURN_IDS_PAGE)
  }

  async indexed(turnId: string, version: number): Promise<void> {
    await this.#link.call(async () => {
      const filter = { _id: { $eq: turnId }, version: { $eq: version } }
      await collectionOf(this.#turns).updateOne(filter, { $unset: { unindexed: '' } })
    })
  }

  async #unindexed({ after, limit }: PageRequest): Promise<Page<string>> {
    const found = await this.#turns
      .find({ unindexed: { $eq: true }, ...(after === undefined ? {} : { _id: { $gt: after } }) }, { _id: 1 })
      .sort({ _id: 1 })
      .limit(limit)
      .batchSize(limit)
      .lean()
    const items = found.map(({ _id }) => _id)
    const next = items.length < limit ? undefined : items.at(-1)
    return { items, ...(next === undefined ? {} : { next }) }
  }

  async #nextNumber(user: string): Promise<number> {
    const after = await this.#users
      .findOneAndUpdate(
        { _id: { $eq: user } },
        { $inc: { next: 1 } },
        { upsert: true, returnDocument: 'after' },
      )
      .lean()
    return after.next - 1
  }
}

function numberKey(user: string, number: number): string {
  return `${user}:${number}`
}
