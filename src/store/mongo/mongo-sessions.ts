import { isDeepStrictEqual } from 'node:util'
import type { Connection, Model } from 'mongoose'
import { chatSessionModel } from '../../../models/chat-session.ts'
import type { ChatSessionDocument } from '../../../models/chat-session.ts'
import type { ChatSessionRecord, Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { parseCursor, printCursor } from '../session-cursor.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed } from './mongo-link.ts'

/** The collection of chat sessions. */
export class MongoSessions {
  readonly #sessions: Model<ChatSessionDocument>

  constructor(connection: Connection) {
    this.#sessions = chatSessionModel(connection)
  }

  get models(): readonly Indexed[] {
    return [this.#sessions]
  }

  async insert(session: ChatSessionRecord): Promise<boolean> {
    try {
      await collectionOf(this.#sessions).insertOne(sessionDocument(session))
      return true
    } catch (error) {
      if (isDuplicate(error)) return this.#isStored(session)
      throw error
    }
  }

  async read(chatSessionId: string): Promise<ChatSessionRecord | undefined> {
    const document = await this.#sessions.findOne({ _id: { $eq: nameHash(chatSessionId) } }).lean()
    return document ? sessionFrom(document) : undefined
  }

  async update(session: ChatSessionRecord): Promise<boolean> {
    const document = sessionDocument(session)
    const filter = { _id: { $eq: document._id }, version: { $eq: session.version - 1 } }
    const { matchedCount } = await collectionOf(this.#sessions).replaceOne(filter, document)
    return matchedCount === 1 || this.#isStored(session)
  }

  async ofUser(userId: string, page: PageRequest): Promise<Page<ChatSessionRecord>> {
    const after = page.after === undefined ? undefined : parseCursor(page.after)
    if (page.after !== undefined && !after) return { items: [] }
    const older = after && {
      $or: [
        { updatedAt: { $lt: after.updatedAt } },
        { updatedAt: { $eq: after.updatedAt }, _id: { $lt: after.key } },
      ],
    }
    const found = await this.#sessions
      .find({ userKey: { $eq: nameHash(userId) }, ...older })
      .sort({ updatedAt: -1, _id: -1 })
      .limit(page.limit + 1)
      .batchSize(page.limit + 1)
      .lean()
    const shown = found.slice(0, page.limit)
    const last = shown.at(-1)
    const more = last && found.length > shown.length
    return {
      items: shown.map(sessionFrom),
      ...(more ? { next: printCursor({ updatedAt: last.updatedAt, key: last._id }) } : {}),
    }
  }

  /** Those in whose queue a message waits, in no order that means anything. */
  async withQueue({ after, limit }: PageRequest): Promise<Page<ChatSessionRecord>> {
    const found = await this.#sessions
      .find({ waits: { $eq: true }, ...(after === undefined ? {} : { _id: { $gt: after } }) })
      .sort({ _id: 1 })
      .limit(limit)
      .batchSize(limit)
      .lean()
    const next = found.length < limit ? undefined : found.at(-1)?._id
    return { items: found.map(sessionFrom), ...(next === undefined ? {} : { next }) }
  }

  /** The very same call was made before, and only its answer was lost. */
  async #isStored(session: ChatSessionRecord): Promise<boolean> {
    return isDeepStrictEqual(await this.read(session.chatSessionId), session)
  }
}

export function sessionDocument(session: ChatSessionRecord): ChatSessionDocument {
  return {
    _id: nameHash(session.chatSessionId),
    userKey: nameHash(session.userId),
    ...session,
    queue: session.queue.map((message) => ({ ...message })),
    ...(session.queue.length > 0 ? { waits: true as const } : {}),
  }
}

function sessionFrom({
  _id,
  userKey: _userKey,
  waits: _waits,
  ...session
}: ChatSessionDocument): ChatSessionRecord {
  return session
}
