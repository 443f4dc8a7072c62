import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { placedEntrySchema } from './placed-entry.ts'
import type { PlacedEntryDocument } from './placed-entry.ts'
import { DOCUMENT } from './schema-options.ts'

/** A closed block of a turn, or a piece of a long one. It counts only when the turn's header counts it. */
export interface ChatTurnPartDocument {
  /** `turn:attempt:lane:index` */
  _id: string
  turnId: string
  /** `turn:attempt:lane` */
  lane: string
  index: number
  /** The lane's length after it. */
  end: number
  /** Under which it was written: an older one must not overwrite it. */
  generation: number
  entries: PlacedEntryDocument[]
}

const schema = new Schema<ChatTurnPartDocument>(
  {
    _id: String,
    turnId: String,
    lane: String,
    index: Number,
    end: Number,
    generation: Number,
    entries: [placedEntrySchema],
  },
  { ...DOCUMENT, collection: 'chat_turn_parts' },
)
schema.index({ lane: 1, index: 1, end: 1 })
schema.index({ turnId: 1 })

export function chatTurnPartModel(connection: Connection): Model<ChatTurnPartDocument> {
  return connection.model<ChatTurnPartDocument>('ChatTurnPart', schema)
}
