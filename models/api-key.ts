import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

export interface ApiKeyDocument {
  _id: string
  kind: 'drone' | 'code' | 'watch' | 'ops'
  userId: string
  label?: string
  /** SHA-256 of the key, hex: the key itself is nowhere. */
  hash: string
  createdAt: number
  revokedAt?: number
}

const schema = new Schema<ApiKeyDocument>(
  {
    _id: String,
    kind: { type: String, enum: ['drone', 'code', 'watch', 'ops'] },
    userId: String,
    label: String,
    hash: String,
    createdAt: Number,
    revokedAt: Number,
  },
  { ...DOCUMENT, collection: 'api_keys' },
)

export function apiKeyModel(connection: Connection): Model<ApiKeyDocument> {
  return connection.model<ApiKeyDocument>('ApiKey', schema)
}
