import { Schema } from 'mongoose'
import type { Connection, Model } from 'mongoose'
import { DOCUMENT, PART_OF_DOCUMENT } from './schema-options.ts'

export interface RegistrationDocument {
  name: string
  hostname: string
  workspaceId: string
  droneId?: string
  instanceId?: string
  capacity?: number
  models?: { id: string; provider?: string; name?: string }[]
  thinkingLevels?: string[]
  agents?: string[]
  /** JSON as text: both hold keys of the drone's own making. */
  commands?: string
  labels?: string
}

export interface DroneRegistrationDocument {
  _id: string
  userId: string
  droneId: string
  registration: RegistrationDocument
  firstSeenAt: number
  lastSeenAt: number
  replacedInstances: string[]
  crashes?: number
  quarantine?: { since: number; reason: string }
}

const registrationSchema = new Schema<RegistrationDocument>(
  {
    name: String,
    hostname: String,
    workspaceId: String,
    droneId: String,
    instanceId: String,
    capacity: Number,
    models: {
      type: [new Schema({ id: String, provider: String, name: String }, PART_OF_DOCUMENT)],
      default: undefined,
    },
    thinkingLevels: { type: [String], default: undefined },
    agents: { type: [String], default: undefined },
    commands: String,
    labels: String,
  },
  PART_OF_DOCUMENT,
)

const schema = new Schema<DroneRegistrationDocument>(
  {
    _id: String,
    userId: String,
    droneId: String,
    registration: registrationSchema,
    firstSeenAt: Number,
    lastSeenAt: Number,
    replacedInstances: [String],
    crashes: Number,
    quarantine: new Schema({ since: Number, reason: String }, PART_OF_DOCUMENT),
  },
  { ...DOCUMENT, collection: 'drone_registrations' },
)

export function droneRegistrationModel(connection: Connection): Model<DroneRegistrationDocument> {
  return connection.model<DroneRegistrationDocument>('DroneRegistration', schema)
}
