import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT } from './schema-options.ts'

/** What is kept of a terminal whose program has ended. */
export interface TerminalDocument {
  /** Drone and terminal, hashed together. */
  _id: string
  /** User and terminal, hashed together. */
  nameKey: string
  registrationId: string
  droneId: string
  userId: string
  terminalId: string
  chatSessionId: string
  turnId?: string
  title?: string
  openedAt: number
  endedAt: number
  exitCode?: number
  offset: number
  cols: number
  rows: number
  screen: string
}

const schema = new Schema<TerminalDocument>(
  {
    _id: String,
    nameKey: String,
    registrationId: String,
    droneId: String,
    userId: String,
    terminalId: String,
    chatSessionId: String,
    turnId: String,
    title: String,
    openedAt: Number,
    endedAt: Number,
    exitCode: Number,
    offset: Number,
    cols: Number,
    rows: Number,
    screen: String,
  },
  { ...DOCUMENT, collection: 'terminals' },
)
schema.index({ nameKey: 1 })
schema.index({ turnId: 1, openedAt: 1 })

export function terminalModel(connection: Connection): Model<TerminalDocument> {
  return connection.model<TerminalDocument>('Terminal', schema)
}
