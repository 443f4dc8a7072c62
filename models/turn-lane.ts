import { Schema } from 'mongoose'
import { placedEntrySchema } from './placed-entry.ts'
import type { PlacedEntryDocument } from './placed-entry.ts'
import { PART_OF_DOCUMENT } from './schema-options.ts'

/** A lane as its turn's header tells it; the words are in the parts below `parts`, then in `open`. */
export interface TurnLaneDocument {
  name: string
  length: number
  parts: number
  open: PlacedEntryDocument[]
  borrowed: { attempt: number; parts: number; length: number }[]
}

export const turnLaneSchema = new Schema<TurnLaneDocument>(
  {
    name: String,
    length: Number,
    parts: Number,
    open: [placedEntrySchema],
    borrowed: [new Schema({ attempt: Number, parts: Number, length: Number }, PART_OF_DOCUMENT)],
  },
  PART_OF_DOCUMENT,
)
