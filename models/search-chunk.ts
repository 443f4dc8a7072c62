import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** Some terms of a segment of the search index, and the numbers of the turns that have them. */
export interface SearchChunkDocument {
  /** The segment, a colon, and the number: those of a segment are beside each other in the index of ids. */
  _id: string
  bytes: Buffer
}

const schema = new Schema<SearchChunkDocument>(
  { _id: String, bytes: Buffer },
  { ...DOCUMENT, collection: 'search_chunks' },
)

export function searchChunkModel(connection: Connection): Model<SearchChunkDocument> {
  return connection.model<SearchChunkDocument>('SearchChunk', schema)
}
