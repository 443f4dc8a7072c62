import type { Connection, Model } from 'mongoose'
import { apiKeyModel } from '../../../models/api-key.ts'
import type { ApiKeyDocument } from '../../../models/api-key.ts'
import { auditEntryModel } from '../../../models/audit-entry.ts'
import type { AuditEntryDocument } from '../../../models/audit-entry.ts'
import { droneRegistrationModel } from '../../../models/drone-registration.ts'
import type { DroneRegistrationDocument } from '../../../models/drone-registration.ts'
import { userModel } from '../../../models/user.ts'
import type { UserDocument } from '../../../models/user.ts'
import type { AuditEntry, DroneRecord, KeyRecord, Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { droneDocument, droneFrom } from './drone-document.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'

/** The collections of drones, keys and what operators did. */
export class MongoRegistry {
  readonly #drones: Model<DroneRegistrationDocument>
  readonly #keys: Model<ApiKeyDocument>
  readonly #audit: Model<AuditEntryDocument>
  readonly #users: Model<UserDocument>

  constructor(connection: Connection) {
    this.#drones = droneRegistrationModel(connection)
    this.#keys = apiKeyModel(connection)
    this.#audit = auditEntryModel(connection)
    this.#users = userModel(connection)
  }

  async saveDrone(drone: DroneRecord): Promise<void> {
    const document = droneDocument(drone)
    await collectionOf(this.#drones).replaceOne({ _id: { $eq: document._id } }, document, { upsert: true })
  }

  async readDrone(registrationId: string): Promise<DroneRecord | undefined> {
    const document = await this.#drones.findOne({ _id: { $eq: registrationId } }).lean()
    return document ? droneFrom(document) : undefined
  }

  async drones(page: PageRequest): Promise<Page<DroneRecord>> {
    const found = await this.#drones
      .find(following(page))
      .sort({ _id: 1 })
      .limit(page.limit + 1)
      .batchSize(page.limit + 1)
      .lean()
    return pageOf(found, page, droneFrom)
  }

  /** A key that is there stays as it is: the same insertion made again must not undo a revocation. */
  async insertKey({ keyId, ...key }: KeyRecord): Promise<void> {
    await this.#knowUser(key.userId, key.createdAt)
    try {
      await collectionOf(this.#keys).insertOne({ _id: keyId, ...key })
    } catch (error) {
      if (!isDuplicate(error)) throw error
      const existing = await this.readKey(keyId)
      if (existing?.hash !== key.hash)
        throw new Error(`key ${keyId} is there with another hash`, { cause: error })
    }
  }

  /** A user is whoever has a key. */
  async #knowUser(userId: string, createdAt: number): Promise<void> {
    const user = { $setOnInsert: { userId, createdAt } }
    await this.#users.updateOne({ _id: { $eq: nameHash(userId) } }, user, { upsert: true })
  }

  async readKey(keyId: string): Promise<KeyRecord | undefined> {
    const document = await this.#keys.findOne({ _id: { $eq: keyId } }).lean()
    return document ? keyFrom(document) : undefined
  }

  async keys(page: PageRequest): Promise<Page<KeyRecord>> {
    const found = await this.#keys
      .find(following(page))
      .sort({ _id: 1 })
      .limit(page.limit + 1)
      .batchSize(page.limit + 1)
      .lean()
    return pageOf(found, page, keyFrom)
  }

  async revokeKey(keyId: string, at: number): Promise<KeyRecord | undefined> {
    // The first revocation counts.
    await this.#keys.updateOne(
      { _id: { $eq: keyId }, revokedAt: { $exists: false } },
      { $set: { revokedAt: at } },
    )
    return this.readKey(keyId)
  }

  async appendAudit({ auditId, ...entry }: AuditEntry): Promise<void> {
    try {
      await collectionOf(this.#audit).insertOne({ _id: auditId, ...entry })
    } catch (error) {
      // The same call made again.
      if (!isDuplicate(error)) throw error
    }
  }

  async audit({ after, limit }: PageRequest): Promise<Page<AuditEntry>> {
    const older = after === undefined ? {} : { _id: { $lt: after } }
    const found = await this.#audit
      .find(older)
      .sort({ _id: -1 })
      .limit(limit + 1)
      .batchSize(limit + 1)
      .lean()
    return pageOf(found, { limit }, ({ _id, ...entry }): AuditEntry => ({ auditId: _id, ...entry }))
  }
}

function following({ after }: PageRequest): { _id?: { $gt: string } } {
  return after === undefined ? {} : { _id: { $gt: after } }
}

function keyFrom({ _id, ...key }: ApiKeyDocument): KeyRecord {
  return { keyId: _id, ...key }
}

function pageOf<D extends { _id: string }, Item>(
  found: D[],
  { limit }: PageRequest,
  from: (document: D) => Item,
): Page<Item> {
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(from), ...(last && found.length > limit ? { next: last._id } : {}) }
}
