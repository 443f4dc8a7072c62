import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** A turn's number in the search index of its user. */
export interface SearchTurnDocument {
  /** The turn's id. */
  _id: string
  /** The hash of the user's name and the number: unique. */
  numberKey: string
  number: number
}

const schema = new Schema<SearchTurnDocument>(
  { _id: String, numberKey: String, number: Number },
  { ...DOCUMENT, collection: 'search_turns' },
)
schema.index({ numberKey: 1 }, { unique: true })

export function searchTurnModel(connection: Connection): Model<SearchTurnDocument> {
  return connection.model<SearchTurnDocument>('SearchTurn', schema)
}
