import { Schema } from 'mongoose'
import { PART_OF_DOCUMENT } from './schema-options.ts'

export interface ToolDetailDocument {
  title?: string
  kind?: string
  locations?: { path: string; line?: number }[]
  diffs?: { path: string; oldText?: string; newText: string }[]
}

/** An addition to a lane, and the length the lane had before it. */
export interface PlacedEntryDocument {
  offset: number
  kind: 'text' | 'call' | 'result'
  createdAt: number
  mode?: 'thinking' | 'responding'
  text?: string
  callId?: string
  name?: string
  parameters?: string
  response?: string
  isError?: boolean
  durationMs?: number
  truncated?: boolean
  detail?: ToolDetailDocument
  /** JSON as text: its keys are a stranger's, and not every server takes any key. */
  subagent?: string
  stats?: string
}

const detailSchema = new Schema<ToolDetailDocument>(
  {
    title: String,
    kind: String,
    locations: { type: [new Schema({ path: String, line: Number }, PART_OF_DOCUMENT)], default: undefined },
    diffs: {
      type: [new Schema({ path: String, oldText: String, newText: String }, PART_OF_DOCUMENT)],
      default: undefined,
    },
  },
  PART_OF_DOCUMENT,
)

export const placedEntrySchema = new Schema<PlacedEntryDocument>(
  {
    offset: Number,
    kind: { type: String, enum: ['text', 'call', 'result'] },
    createdAt: Number,
    mode: { type: String, enum: ['thinking', 'responding'] },
    text: String,
    callId: String,
    name: String,
    parameters: String,
    response: String,
    isError: Boolean,
    durationMs: Number,
    truncated: Boolean,
    detail: detailSchema,
    subagent: String,
    stats: String,
  },
  PART_OF_DOCUMENT,
)
