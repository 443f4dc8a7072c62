import type { Connection, Model, mongo } from 'mongoose'
import type { ChatTurnPartDocument } from '../../../models/chat-turn-part.ts'
import { chatTurnPartModel } from '../../../models/chat-turn-part.ts'
import { chatTurnModel } from '../../../models/chat-turn.ts'
import type { ChatTurnDocument } from '../../../models/chat-turn.ts'
import { notedMessageModel } from '../../../models/noted-message.ts'
import type { NotedMessageDocument } from '../../../models/noted-message.ts'
import type { Page, PageRequest, TurnHeader } from '../../turns/turn-store.ts'
import type { Stamp } from '../decide.ts'
import { nameHash } from '../name-hash.ts'
import { chunksOf } from './chunks.ts'
import { collectionOf } from './collection-of.ts'
import type { CommitDocuments } from './commit.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed } from './mongo-link.ts'
import type { HeaderWrite, PartWrite } from './plan.ts'
import type { PartsWanted } from './read-parts.ts'
import { headerFrom, turnDocument } from './turn-document.ts'

/** Unfinished turns read at a time. */
const UNFINISHED_PAGE = 64

/**
 * The collections of turns and parts: single-document operations only, with typed scalars in every filter. What a find
 * answers fits one batch, so that no cursor is left open on the server by a relay that is killed.
 */
export class MongoTurns implements CommitDocuments {
  readonly #turns: Model<ChatTurnDocument>
  readonly #parts: Model<ChatTurnPartDocument>
  readonly #noted: Model<NotedMessageDocument>

  constructor(connection: Connection) {
    this.#turns = chatTurnModel(connection)
    this.#parts = chatTurnPartModel(connection)
    this.#noted = notedMessageModel(connection)
  }

  get models(): readonly Indexed[] {
    return [this.#turns, this.#parts, this.#noted]
  }

  async insert(header: TurnHeader): Promise<TurnHeader> {
    try {
      await collectionOf(this.#turns).insertOne(turnDocument(header))
      return header
    } catch (error) {
      const existing = isDuplicate(error)
        ? await this.findMessage(header.userId, header.messageId)
        : undefined
      if (existing) return existing
      if (isDuplicate(error))
        throw new Error(`turn ${header.turnId} is there with another message`, { cause: error })
      throw error
    }
  }

  async read(turnId: string): Promise<TurnHeader | undefined> {
    const document = await this.#turns.findOne({ _id: { $eq: turnId } }).lean()
    return document ? headerFrom(document) : undefined
  }

  async findMessage(userId: string, messageId: string): Promise<TurnHeader | undefined> {
    const key = nameHash(userId, messageId)
    const document = await this.#turns.findOne({ messageKey: { $eq: key } }).lean()
    if (document) return headerFrom(document)
    const noted = await this.#noted.findOne({ _id: { $eq: key } }).lean()
    return noted ? this.read(noted.turnId) : undefined
  }

  async noteMessage(userId: string, messageId: string, turnId: string): Promise<void> {
    try {
      await collectionOf(this.#noted).insertOne({ _id: nameHash(userId, messageId), turnId })
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
  }

  async takeOver(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    const taken = await this.#turns
      .findOneAndUpdate(
        { _id: { $eq: turnId }, generation: { $eq: generation }, live: { $eq: true } },
        { $set: { generation: generation + 1, node } },
        { returnDocument: 'after' },
      )
      .lean()
    if (taken) return headerFrom(taken)
    return this.#heldBy(turnId, generation + 1, node)
  }

  async reopen(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    const reopened = await this.#turns
      .findOneAndUpdate(
        { _id: { $eq: turnId }, generation: { $eq: generation }, status: { $in: ['failed', 'aborted'] } },
        {
          $set: { generation: generation + 1, node, status: 'recovering', live: true },
          $unset: { endedAt: '' },
        },
        { returnDocument: 'after' },
      )
      .lean()
    if (reopened) return headerFrom(reopened)
    return this.#heldBy(turnId, generation + 1, node)
  }

  /** A takeover made again: it is there already, and is this caller's own. */
  async #heldBy(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    const document = await this.#turns
      .findOne({
        _id: { $eq: turnId },
        generation: { $eq: generation },
        node: { $eq: node },
        live: { $eq: true },
      })
      .lean()
    return document ? headerFrom(document) : undefined
  }

  async writeParts(writes: readonly PartWrite[]): Promise<boolean> {
    try {
      for (const chunk of chunksOf(writes)) {
        const operations = chunk.map(({ document }) => ({
          replaceOne: {
            filter: { _id: { $eq: document._id }, generation: { $lte: document.generation } },
            replacement: document,
            upsert: true,
          },
        }))
        await collectionOf(this.#parts).bulkWrite(operations, { ordered: false })
      }
      return true
    } catch (error) {
      // The guard: what is there did not match, so the upsert tried to insert a second one.
      if (isDuplicate(error)) return false
      throw error
    }
  }

  async writeHeaders(writes: readonly HeaderWrite[]): Promise<number> {
    let matched = 0
    for (const chunk of chunksOf(writes)) {
      const operations = chunk.map(({ turnId, expect, set, unset }) => ({
        updateOne: {
          filter: {
            _id: { $eq: turnId },
            attempt: { $eq: expect.attempt },
            generation: { $eq: expect.generation },
            version: { $eq: expect.version },
            live: { $eq: true },
          },
          update: updateOf(set, unset),
        },
      }))
      const result = await collectionOf(this.#turns).bulkWrite(operations, { ordered: false })
      matched += result.matchedCount
    }
    return matched
  }

  async readStamps(turnIds: readonly string[]): Promise<Map<string, Stamp>> {
    const found = await this.#turns
      .find({ _id: { $in: [...turnIds] } }, { attempt: 1, generation: 1, version: 1, status: 1 })
      .batchSize(turnIds.length + 1)
      .lean()
    return new Map(found.map((stamp) => [stamp._id, stamp]))
  }

  async findParts({ lane, below, after, limit }: PartsWanted): Promise<ChatTurnPartDocument[]> {
    return this.#parts
      .find({ lane: { $eq: lane }, index: { $lt: below }, end: { $gt: after } })
      .sort({ index: 1 })
      .limit(limit)
      .batchSize(limit)
      .lean()
  }

  async ofSession(chatSessionId: string, page: PageRequest): Promise<Page<TurnHeader>> {
    const sessionKey = { $eq: nameHash(chatSessionId) }
    const after = page.after === undefined ? undefined : await this.read(page.after)
    if (page.after !== undefined && after?.chatSessionId !== chatSessionId) return { items: [] }
    const earlier = after && {
      $or: [
        { createdAt: { $lt: after.createdAt } },
        { createdAt: { $eq: after.createdAt }, _id: { $lt: after.turnId } },
      ],
    }
    const found = await this.#turns
      .find({ sessionKey, ...earlier })
      .sort({ createdAt: -1, _id: -1 })
      .limit(page.limit + 1)
      .batchSize(page.limit + 1)
      .lean()
    const items = found.slice(0, page.limit).map(headerFrom)
    const last = items.at(-1)
    return { items, ...(last && found.length > items.length ? { next: last.turnId } : {}) }
  }

  /** A page of the unfinished, oldest first, after a given one. */
  async unfinished(after: TurnHeader | undefined): Promise<TurnHeader[]> {
    const later = after && {
      $or: [
        { createdAt: { $gt: after.createdAt } },
        { createdAt: { $eq: after.createdAt }, _id: { $gt: after.turnId } },
      ],
    }
    const found = await this.#turns
      .find({ live: { $eq: true }, ...later })
      .sort({ createdAt: 1, _id: 1 })
      .limit(UNFINISHED_PAGE)
      .batchSize(UNFINISHED_PAGE)
      .lean()
    return found.map(headerFrom)
  }
}

function updateOf(set: HeaderWrite['set'], unset: readonly string[]): mongo.UpdateFilter<ChatTurnDocument> {
  const fields = Object.fromEntries(unset.map((field) => [field, '']))
  const update = { $set: set, ...(unset.length > 0 ? { $unset: fields } : {}) }
  return update as mongo.UpdateFilter<ChatTurnDocument>
}
