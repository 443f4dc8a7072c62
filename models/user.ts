import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** Whose drones, sessions and turns they are. Keys name a user by `userId`; what else is known of one is here. */
export interface UserDocument {
  /** `userId`, hashed. */
  _id: string
  userId: string
  name?: string
  createdAt: number
}

const schema = new Schema<UserDocument>(
  { _id: String, userId: String, name: String, createdAt: Number },
  { ...DOCUMENT, collection: 'users' },
)

export function userModel(connection: Connection): Model<UserDocument> {
  return connection.model<UserDocument>('User', schema)
}
