import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { MESSAGE_FIELDS } from './message.ts'
import type { MessageDocument } from './message.ts'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

export interface QueuedMessageDocument extends MessageDocument {
  content: string
  by: string
  steers?: string
}

interface UsageTotalsDocument {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  cost: number
}

export interface SessionUsageDocument {
  turns: number
  messages: number
  modelSwitches: number
  totals: UsageTotalsDocument
  days: { day: string; turns: number; totals: UsageTotalsDocument }[]
  last: { turnId: string; totals: UsageTotalsDocument; messages: number; model?: string }
  contextUsed?: number
  contextWindow?: number
}

export interface ChatSessionDocument {
  /** The session's id, hashed. */
  _id: string
  chatSessionId: string
  userId: string
  /** The user's id, hashed. */
  userKey: string
  title?: string
  workspaceId?: string
  droneId?: string
  model?: string
  provider?: string
  thinkingLevel?: string
  agent?: string
  agentSession?: { registrationId: string; agentSessionId: string }
  routing?: { rule: string; reason: string }
  usage?: SessionUsageDocument
  compaction?: { summary: string; at: number; summarized: number; kept: number }
  liveTurnId?: string
  queue: QueuedMessageDocument[]
  /** A message is in the queue; missing otherwise, so that the index holds only these. */
  waits?: true
  /** Goes up by one with every change: its compare-and-set. */
  version: number
  createdAt: number
  updatedAt: number
}

const queuedMessageSchema = new Schema<QueuedMessageDocument>(
  { ...MESSAGE_FIELDS, content: String, by: String, steers: String },
  PART_OF_DOCUMENT,
)

const usageTotalsSchema = new Schema<UsageTotalsDocument>(
  { input: Number, output: Number, cacheRead: Number, cacheWrite: Number, cost: Number },
  PART_OF_DOCUMENT,
)

const sessionUsageSchema = new Schema<SessionUsageDocument>(
  {
    turns: Number,
    messages: Number,
    modelSwitches: Number,
    totals: usageTotalsSchema,
    days: [new Schema({ day: String, turns: Number, totals: usageTotalsSchema }, PART_OF_DOCUMENT)],
    last: new Schema(
      { turnId: String, totals: usageTotalsSchema, messages: Number, model: String },
      PART_OF_DOCUMENT,
    ),
    contextUsed: Number,
    contextWindow: Number,
  },
  PART_OF_DOCUMENT,
)

const schema = new Schema<ChatSessionDocument>(
  {
    _id: String,
    chatSessionId: String,
    userId: String,
    userKey: String,
    title: String,
    workspaceId: String,
    droneId: String,
    model: String,
    provider: String,
    thinkingLevel: String,
    agent: String,
    agentSession: new Schema({ registrationId: String, agentSessionId: String }, PART_OF_DOCUMENT),
    routing: new Schema({ rule: String, reason: String }, PART_OF_DOCUMENT),
    usage: sessionUsageSchema,
    compaction: new Schema(
      { summary: String, at: Number, summarized: Number, kept: Number },
      PART_OF_DOCUMENT,
    ),
    liveTurnId: String,
    queue: [queuedMessageSchema],
    waits: Boolean,
    version: Number,
    createdAt: Number,
    updatedAt: Number,
  },
  { ...DOCUMENT, collection: 'chat_sessions' },
)
schema.index({ userKey: 1, updatedAt: -1, _id: -1 })
schema.index({ waits: 1, _id: 1 }, { sparse: true })

export function chatSessionModel(connection: Connection): Model<ChatSessionDocument> {
  return connection.model<ChatSessionDocument>('ChatSession', schema)
}
