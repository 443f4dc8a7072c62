import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** How far the numbers of a user's search index go. */
export interface SearchUserDocument {
  /** The user's id, hashed. */
  _id: string
  /** The next number. */
  next: number
}

const schema = new Schema<SearchUserDocument>(
  { _id: String, next: Number },
  { ...DOCUMENT, collection: 'search_users' },
)

export function searchUserModel(connection: Connection): Model<SearchUserDocument> {
  return connection.model<SearchUserDocument>('SearchUser', schema)
}
