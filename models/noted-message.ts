import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** A message that went into a turn which had begun: its turn's own document names the one that began it. */
export interface NotedMessageDocument {
  /** User and message, hashed together. */
  _id: string
  turnId: string
}

const schema = new Schema<NotedMessageDocument>(
  { _id: String, turnId: String },
  { ...DOCUMENT, collection: 'noted_messages' },
)

export function notedMessageModel(connection: Connection): Model<NotedMessageDocument> {
  return connection.model<NotedMessageDocument>('NotedMessage', schema)
}
