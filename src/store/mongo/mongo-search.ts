import type { Model } from 'mongoose'
import { chatTurnModel } from '../../../models/chat-turn.ts'
import type { ChatTurnDocument } from '../../../models/chat-turn.ts'
import { searchChunkModel } from '../../../models/search-chunk.ts'
import type { SearchChunkDocument } from '../../../models/search-chunk.ts'
import { searchTurnModel } from '../../../models/search-turn.ts'
import type { SearchTurnDocument } from '../../../models/search-turn.ts'
import { searchUserModel } from '../../../models/search-user.ts'
import type { SearchUserDocument } from '../../../models/search-user.ts'
import type { ChunkPlace, IndexedTurn, SearchStore, SegmentList } from '../../search/search-store.ts'
import { itemsOf } from '../../turns/pages.ts'
import type { Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { bytesOf } from './bytes-of.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed, MongoLink } from './mongo-link.ts'

/** Turn ids read at a time. */
const TURN_IDS_PAGE = 1000

/** [FT6] The search index of each user, in plain documents: no server needs a text index of its own. */
export class MongoSearch implements SearchStore {
  readonly #link: MongoLink
  readonly #turns: Model<ChatTurnDocument>
  readonly #numbers: Model<SearchTurnDocument>
  readonly #chunks: Model<SearchChunkDocument>
  readonly #users: Model<SearchUserDocument>

  constructor(link: MongoLink) {
    const { connection } = link
    this.#link = link
    this.#turns = chatTurnModel(connection)
    this.#numbers = searchTurnModel(connection)
    this.#chunks = searchChunkModel(connection)
    this.#users = searchUserModel(connection)
  }

  get models(): readonly Indexed[] {
    return [this.#numbers, this.#chunks, this.#users]
  }

  addTurns(userId: string, turnIds: readonly string[]): Promise<number[]> {
    return this.#link.call(async () => {
      const user = nameHash(userId)
      const known = await this.#numbersOf(turnIds)
      const fresh = turnIds.filter((turnId) => !known.has(turnId))
      if (fresh.length > 0) {
        const first = await this.#takeNumbers(user, fresh.length)
        const documents = fresh.map((turnId, index) => {
          const number = first + index
          return { _id: turnId, numberKey: numberKey(user, number), number }
        })
        try {
          await collectionOf(this.#numbers).insertMany(documents, { ordered: false })
        } catch (error) {
          // Another node was first with some of them; the numbers taken here stay without turns.
          if (!isDuplicate(error)) throw error
        }
        for (const [turnId, number] of await this.#numbersOf(fresh)) known.set(turnId, number)
      }
      return turnIds.map((turnId) => known.get(turnId) ?? fail(turnId))
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

  segments(userId: string): Promise<SegmentList> {
    return this.#link.call(async () => {
      const found = await this.#users.findOne({ _id: { $eq: nameHash(userId) } }).lean()
      // One whose turns have numbers, and no segments yet, is not one that has been written.
      return {
        revision: found?.revision ?? 0,
        segments: found?.segments ?? [],
        unlisted: found?.unlisted ?? [],
      }
    })
  }

  replaceSegments(userId: string, { revision, segments, unlisted }: SegmentList): Promise<boolean> {
    return this.#link.call(async () => {
      const isFirst = revision === 1
      const filter = {
        _id: { $eq: nameHash(userId) },
        revision: isFirst ? { $exists: false } : { $eq: revision - 1 },
      }
      const update = { $set: { revision, segments: [...segments], unlisted: [...unlisted] } }
      try {
        const { matchedCount, upsertedCount } = await collectionOf(this.#users).updateOne(filter, update, {
          upsert: isFirst,
        })
        return matchedCount + upsertedCount > 0
      } catch (error) {
        // The user is there, with a revision.
        if (isDuplicate(error)) return false
        throw error
      }
    })
  }

  async putChunks(segmentId: string, from: number, chunks: readonly Uint8Array[]): Promise<void> {
    const operations = chunks.map((bytes, index) => ({
      replaceOne: {
        filter: { _id: { $eq: chunkKey({ segmentId, chunk: from + index }) } },
        replacement: { bytes: Buffer.from(bytes) },
        upsert: true,
      },
    }))
    await this.#link.call(() => collectionOf(this.#chunks).bulkWrite(operations, { ordered: false }))
  }

  async chunks(places: readonly ChunkPlace[]): Promise<(Uint8Array | undefined)[]> {
    if (places.length === 0) return []
    return this.#link.call(async () => {
      const keys = places.map(chunkKey)
      const found = await this.#chunks
        .find({ _id: { $in: keys } })
        .batchSize(keys.length + 1)
        .lean()
      const byKey = new Map(found.map(({ _id, bytes }) => [_id, bytesOf(bytes)]))
      return keys.map((key) => byKey.get(key))
    })
  }

  async removeChunks(segmentId: string): Promise<void> {
    await this.#link.call(() =>
      collectionOf(this.#chunks).deleteMany({ _id: { $gte: `${segmentId}:`, $lt: `${segmentId};` } }),
    )
  }

  unindexed(): AsyncIterable<string> {
    return itemsOf((page) => this.#link.call(() => this.#unindexed(page)), TURN_IDS_PAGE)
  }

  async indexed(turns: readonly IndexedTurn[]): Promise<void> {
    const operations = turns.map(({ turnId, version }) => ({
      updateOne: {
        filter: { _id: { $eq: turnId }, version: { $eq: version } },
        update: { $unset: { unindexed: '' as const } },
      },
    }))
    await this.#link.call(() => collectionOf(this.#turns).bulkWrite(operations, { ordered: false }))
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

  async #numbersOf(turnIds: readonly string[]): Promise<Map<string, number>> {
    const found = await this.#numbers
      .find({ _id: { $in: [...turnIds] } })
      .batchSize(turnIds.length + 1)
      .lean()
    return new Map(found.map(({ _id, number }) => [_id, number]))
  }

  /** The first of so many numbers. */
  async #takeNumbers(user: string, count: number): Promise<number> {
    const after = await this.#users
      .findOneAndUpdate(
        { _id: { $eq: user } },
        { $inc: { next: count } },
        { upsert: true, returnDocument: 'after' },
      )
      .lean()
    return after.next - count
  }
}

function numberKey(user: string, number: number): string {
  return `${user}:${number}`
}

function chunkKey({ segmentId, chunk }: ChunkPlace): string {
  return `${segmentId}:${chunk}`
}

function fail(turnId: string): never {
  throw new Error(`Turn ${turnId} got no number in the search index.`)
}
