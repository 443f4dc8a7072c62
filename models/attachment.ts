import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

/** What a message says of a file that came with it. */
export interface AttachmentViewDocument {
  attachmentId: string
  name: string
  mediaType: string
  /** Bytes. */
  size: number
}

export interface AttachmentDocument {
  _id: string
  userId: string
  name: string
  mediaType: string
  size: number
  createdAt: number
  bytes: Buffer
}

export const attachmentViewSchema = new Schema<AttachmentViewDocument>(
  { attachmentId: String, name: String, mediaType: String, size: Number },
  PART_OF_DOCUMENT,
)

const schema = new Schema<AttachmentDocument>(
  {
    _id: String,
    userId: String,
    name: String,
    mediaType: String,
    size: Number,
    createdAt: Number,
    bytes: Buffer,
  },
  { ...DOCUMENT, collection: 'attachments' },
)

export function attachmentModel(connection: Connection): Model<AttachmentDocument> {
  return connection.model<AttachmentDocument>('Attachment', schema)
}
