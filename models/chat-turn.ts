import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'
import { MESSAGE_FIELDS } from './message.ts'
import type { MessageDocument } from './message.ts'
import { turnLaneSchema } from './turn-lane.ts'
import type { TurnLaneDocument } from './turn-lane.ts'

export interface EarlierAttemptDocument {
  attempt: number
  reason: string
  acknowledged: boolean
  droneId: string
  startedAt: number
  endedAt: number
  usage?: UsageDocument
  lanes: TurnLaneDocument[]
}

export interface AssignmentDocument {
  registrationId: string
  droneId: string
  workspaceId: string
  instanceId?: string
  acknowledged: boolean
}

export interface UsageDocument {
  turnId: string
  attempt: number
  input: number
  output: number
  cacheRead?: number
  cacheWrite?: number
  cost?: number
  contextUsed?: number
  contextWindow?: number
  provider?: string
  model?: string
}

export interface TakenSteerDocument {
  messageId: string
  text: string
  by: string
  as: 'now' | 'next'
  offset: number
  at: number
}

/**
 * A prompt and where its answer stands: the commit record of the parts. `blocks` and `toolCalls`, as readers expect them
 * of a chat turn, are folded from the parts when they are asked for and not stored a second time.
 */
export interface ChatTurnDocument extends MessageDocument {
  _id: string
  chatSessionId: string
  /** The chat session's id, hashed: ids of others may be longer than an index takes. */
  sessionKey: string
  userId: string
  /** User and message, hashed together: unique. */
  messageKey: string
  prompt: string
  /** JSON as text: its keys are a rule's. */
  labels?: string
  unasked?: boolean
  mentions?: string[]
  createdAt: number
  attempt: number
  status: 'queued' | 'processing' | 'recovering' | 'finished' | 'failed' | 'aborted'
  /** The turn has not ended. */
  live: boolean
  /** It has ended and is not in the search index so; missing otherwise, so that the index holds only these. */
  unindexed?: true
  reason?: string
  assigned?: AssignmentDocument
  startedAt?: number
  endedAt?: number
  incomplete?: boolean
  usage?: UsageDocument
  steers?: TakenSteerDocument[]
  toolCallCount: number
  sideEffects?: boolean
  asks?: boolean
  earlier: EarlierAttemptDocument[]
  generation: number
  version: number
  node: string
  /** By number, so that a flush writes only the lanes that it changes. */
  lanes: Record<string, TurnLaneDocument>
}

const assignmentSchema = new Schema<AssignmentDocument>(
  { registrationId: String, droneId: String, workspaceId: String, instanceId: String, acknowledged: Boolean },
  PART_OF_DOCUMENT,
)

const usageSchema = new Schema<UsageDocument>(
  {
    turnId: String,
    attempt: Number,
    input: Number,
    output: Number,
    cacheRead: Number,
    cacheWrite: Number,
    cost: Number,
    contextUsed: Number,
    contextWindow: Number,
    provider: String,
    model: String,
  },
  PART_OF_DOCUMENT,
)

const takenSteerSchema = new Schema<TakenSteerDocument>(
  { messageId: String, text: String, by: String, as: String, offset: Number, at: Number },
  PART_OF_DOCUMENT,
)

const earlierAttemptSchema = new Schema<EarlierAttemptDocument>(
  {
    attempt: Number,
    reason: String,
    acknowledged: Boolean,
    droneId: String,
    startedAt: Number,
    endedAt: Number,
    usage: usageSchema,
    lanes: [turnLaneSchema],
  },
  PART_OF_DOCUMENT,
)

const schema = new Schema<ChatTurnDocument>(
  {
    _id: String,
    chatSessionId: String,
    sessionKey: String,
    userId: String,
    ...MESSAGE_FIELDS,
    messageKey: String,
    prompt: String,
    labels: String,
    unasked: Boolean,
    mentions: { type: [String], default: undefined },
    createdAt: Number,
    attempt: Number,
    status: { type: String, enum: ['queued', 'processing', 'recovering', 'finished', 'failed', 'aborted'] },
    live: Boolean,
    unindexed: Boolean,
    reason: String,
    assigned: assignmentSchema,
    startedAt: Number,
    endedAt: Number,
    incomplete: Boolean,
    usage: usageSchema,
    // Without a default: what a turn does not have, its document does not.
    steers: { type: [takenSteerSchema], default: undefined },
    toolCallCount: Number,
    sideEffects: Boolean,
    asks: Boolean,
    earlier: [earlierAttemptSchema],
    generation: Number,
    version: Number,
    node: String,
    lanes: { type: Map, of: turnLaneSchema },
  },
  { ...DOCUMENT, collection: 'chat_turns' },
)
schema.index({ messageKey: 1 }, { unique: true })
schema.index({ sessionKey: 1, createdAt: -1, _id: -1 })
schema.index({ live: 1, createdAt: 1, _id: 1 })
schema.index({ unindexed: 1, _id: 1 }, { sparse: true })

export function chatTurnModel(connection: Connection): Model<ChatTurnDocument> {
  return connection.model<ChatTurnDocument>('ChatTurn', schema)
}
