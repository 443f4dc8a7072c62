import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

/** What an agent asked of people. */
export interface PermissionDocument {
  /** Drone and request, hashed together. */
  _id: string
  registrationId: string
  requestId: string
  droneId: string
  userId: string
  chatSessionId: string
  turnId: string
  attempt: number
  title: string
  /** As the drone gave it. */
  toolCall?: Record<string, unknown>
  options: { optionId: string; name: string; kind?: string }[]
  askedAt: number
  expiresAt: number
  answer?: { optionId?: string; by?: string; at: number }
}

const schema = new Schema<PermissionDocument>(
  {
    _id: String,
    registrationId: String,
    requestId: String,
    droneId: String,
    userId: String,
    chatSessionId: String,
    turnId: String,
    attempt: Number,
    title: String,
    toolCall: Schema.Types.Mixed,
    options: [new Schema({ optionId: String, name: String, kind: String }, PART_OF_DOCUMENT)],
    askedAt: Number,
    expiresAt: Number,
    answer: new Schema({ optionId: String, by: String, at: Number }, PART_OF_DOCUMENT),
  },
  { ...DOCUMENT, collection: 'permissions' },
)
schema.index({ turnId: 1, askedAt: 1 })

export function permissionModel(connection: Connection): Model<PermissionDocument> {
  return connection.model<PermissionDocument>('Permission', schema)
}
