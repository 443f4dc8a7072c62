import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

export interface AuditEntryDocument {
  /** Sorts by time. */
  _id: string
  at: number
  by: string
  action: string
  subject: string
  reason?: string
}

const schema = new Schema<AuditEntryDocument>(
  { _id: String, at: Number, by: String, action: String, subject: String, reason: String },
  { ...DOCUMENT, collection: 'audit_entries' },
)

export function auditEntryModel(connection: Connection): Model<AuditEntryDocument> {
  return connection.model<AuditEntryDocument>('AuditEntry', schema)
}
