import type { PermissionAnswer, PermissionRecord } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import type { Tables } from './tables.ts'

/** What agents asked of people. What writes is called within a transaction. */
export class PermissionTable {
  readonly #file: { readonly tables: Tables }

  constructor(file: { readonly tables: Tables }) {
    this.#file = file
  }

  get #tables(): Tables {
    return this.#file.tables
  }

  insert(permission: PermissionRecord): PermissionRecord {
    const { registrationId, requestId, turnId, askedAt } = permission
    const existing = this.read(registrationId, requestId)
    if (existing) return existing
    const key = nameHash(registrationId, requestId)
    void this.#tables.permissions.put(key, permission)
    void this.#tables.permissionsByTurn.put([turnId, askedAt, key], true)
    return permission
  }

  read(registrationId: string, requestId: string): PermissionRecord | undefined {
    return this.#tables.permissions.get(nameHash(registrationId, requestId))
  }

  answer(registrationId: string, requestId: string, answer: PermissionAnswer): PermissionRecord | undefined {
    const asked = this.read(registrationId, requestId)
    if (!asked || asked.answer) return asked
    const answered = { ...asked, answer }
    void this.#tables.permissions.put(nameHash(registrationId, requestId), answered)
    return answered
  }

  ofTurn(turnId: string): PermissionRecord[] {
    const range = { start: [turnId], end: [turnId, Number.POSITIVE_INFINITY] }
    const keys = [...this.#tables.permissionsByTurn.getKeys(range)]
    return keys.flatMap(([, , key]) => this.#tables.permissions.get(key) ?? [])
  }
}
