import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** The turns of one block of numbers that have a term in their texts. */
export interface SearchTermDocument {
  /** `termKey` and the block. */
  _id: string
  /** User and term, hashed together. */
  termKey: string
  /** User and the term's first letters, hashed together: those who ask for terms that begin so have at least these. */
  prefixKey: string
  term: string
  numbers: number[]
}

const schema = new Schema<SearchTermDocument>(
  { _id: String, termKey: String, prefixKey: String, term: String, numbers: [Number] },
  { ...DOCUMENT, collection: 'search_terms' },
)
schema.index({ termKey: 1 })
schema.index({ prefixKey: 1, term: 1 })

export function searchTermModel(connection: Connection): Model<SearchTermDocument> {
  return connection.model<SearchTermDocument>('SearchTerm', schema)
}
