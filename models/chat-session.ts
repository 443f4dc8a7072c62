import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { attachmentViewSchema } from './attachment.ts'
import type { AttachmentViewDocument } from './attachment.ts'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

export interface QueuedMessageDocument {
  messageId: string
  content: string
  by: string
  steers?: string
  droneId?: string
  workspaceId?: string
  agent?: string
  model?: string
  provider?: string
  thinkingLevel?: string
  cwd?: string
  attachments?: AttachmentViewDocument[]
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
  {
    messageId: String,
    content: String,
    by: String,
    steers: String,
    droneId: String,
    workspaceId: String,
    agent: String,
    model: String,
    provider: String,
    thinkingLevel: String,
    cwd: String,
    attachments: { type: [attachmentViewSchema], default: undefined },
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
