import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

export interface SegmentDocument {
  segmentId: string
  turns: number
  chunks: number
}

/** The search index of a user. */
export interface SearchUserDocument {
  /** The user's id, hashed. */
  _id: string
  /** The number of the next turn. */
  next: number
  /** Goes up with each change of what follows. */
  revision: number
  /** What is searched, in the order in which it was written. */
  segments: SegmentDocument[]
  /** Segments that are being written, and those that others have taken the place of. */
  unlisted: string[]
}

const segment = new Schema<SegmentDocument>(
  { segmentId: String, turns: Number, chunks: Number },
  PART_OF_DOCUMENT,
)
const schema = new Schema<SearchUserDocument>(
  { _id: String, next: Number, revision: Number, segments: [segment], unlisted: [String] },
  { ...DOCUMENT, collection: 'search_users' },
)

export function searchUserModel(connection: Connection): Model<SearchUserDocument> {
  return connection.model<SearchUserDocument>('SearchUser', schema)
}
