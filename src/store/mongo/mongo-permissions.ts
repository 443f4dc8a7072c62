import type { Connection, Model } from 'mongoose'
import { permissionModel } from '../../../models/permission.ts'
import type { PermissionDocument } from '../../../models/permission.ts'
import type { PermissionAnswer, PermissionRecord } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed } from './mongo-link.ts'

/** The most of one turn that are read: far more than a relay lets a turn ask. */
const MOST_OF_TURN = 10_000

/** The collection of what agents asked of people. */
export class MongoPermissions {
  readonly #permissions: Model<PermissionDocument>

  constructor(connection: Connection) {
    this.#permissions = permissionModel(connection)
  }

  get models(): readonly Indexed[] {
    return [this.#permissions]
  }

  async insert(permission: PermissionRecord): Promise<PermissionRecord> {
    try {
      await collectionOf(this.#permissions).insertOne(permissionDocument(permission))
      return permission
    } catch (error) {
      if (!isDuplicate(error)) throw error
      const existing = await this.read(permission.registrationId, permission.requestId)
      if (!existing) throw error
      return existing
    }
  }

  async read(registrationId: string, requestId: string): Promise<PermissionRecord | undefined> {
    const document = await this.#permissions
      .findOne({ _id: { $eq: nameHash(registrationId, requestId) } })
      .lean()
    return document ? permissionFrom(document) : undefined
  }

  async answer(
    registrationId: string,
    requestId: string,
    answer: PermissionAnswer,
  ): Promise<PermissionRecord | undefined> {
    await this.#permissions.updateOne(
      { _id: { $eq: nameHash(registrationId, requestId) }, answer: { $exists: false } },
      { $set: { answer } },
    )
    return this.read(registrationId, requestId)
  }

  async ofTurn(turnId: string): Promise<PermissionRecord[]> {
    const found = await this.#permissions
      .find({ turnId: { $eq: turnId } })
      .sort({ askedAt: 1, _id: 1 })
      .limit(MOST_OF_TURN)
      .batchSize(MOST_OF_TURN)
      .lean()
    return found.map(permissionFrom)
  }
}

function permissionDocument(permission: PermissionRecord): PermissionDocument {
  const { registrationId, requestId, options, ...others } = permission
  return {
    _id: nameHash(registrationId, requestId),
    registrationId,
    requestId,
    options: [...options],
    ...others,
  } as PermissionDocument
}

function permissionFrom({ _id, ...permission }: PermissionDocument): PermissionRecord {
  return permission
}
