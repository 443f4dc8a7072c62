import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

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
  queue: { messageId: string; content: string; by: string }[]
  /** Goes up by one with every change: its compare-and-set. */
  version: number
  createdAt: number
  updatedAt: number
}

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
    queue: [new Schema({ messageId: String, content: String, by: String }, PART_OF_DOCUMENT)],
    version: Number,
    createdAt: Number,
    updatedAt: Number,
  },
  { ...DOCUMENT, collection: 'chat_sessions' },
)
schema.index({ userKey: 1, updatedAt: -1, _id: -1 })

export function chatSessionModel(connection: Connection): Model<ChatSessionDocument> {
  return connection.model<ChatSessionDocument>('ChatSession', schema)
}
