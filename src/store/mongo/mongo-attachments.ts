import type { Connection, Model } from 'mongoose'
import { attachmentModel } from '../../../models/attachment.ts'
import type { AttachmentDocument } from '../../../models/attachment.ts'
import type { AttachmentRecord } from '../../turns/turn-store.ts'
import { bytesOf } from './bytes-of.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed } from './mongo-link.ts'

/** The collection of uploaded files: each is one document, far below what a document may have. */
export class MongoAttachments {
  readonly #attachments: Model<AttachmentDocument>

  constructor(connection: Connection) {
    this.#attachments = attachmentModel(connection)
  }

  get models(): readonly Indexed[] {
    return [this.#attachments]
  }

  async insert({ attachmentId, ...attachment }: AttachmentRecord, bytes: Uint8Array): Promise<void> {
    const document = { _id: attachmentId, ...attachment, bytes: Buffer.from(bytes) }
    try {
      await collectionOf(this.#attachments).insertOne(document)
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
  }

  async find(attachmentId: string): Promise<AttachmentRecord | undefined> {
    const document = await this.#attachments
      .findOne({ _id: { $eq: attachmentId } })
      .select({ bytes: 0 })
      .lean()
    if (!document) return undefined
    const { _id, userId, name, mediaType, size, createdAt } = document
    return { attachmentId: _id, userId, name, mediaType, size, createdAt }
  }

  async read(attachmentId: string): Promise<Uint8Array | undefined> {
    const document = await this.#attachments.findOne({ _id: { $eq: attachmentId } }).lean()
    return document ? bytesOf(document.bytes) : undefined
  }
}
