import type { AuditEntry, DroneRecord, KeyRecord, Page, PageRequest } from '../../turns/turn-store.ts'
import { pageOf } from './page.ts'
import type { Tables } from './tables.ts'

/** Who may come in, who has come, and what operators did. What writes is called within a transaction. */
export class RegistryTable {
  readonly #file: { readonly tables: Tables }

  constructor(file: { readonly tables: Tables }) {
    this.#file = file
  }

  get #tables(): Tables {
    return this.#file.tables
  }

  saveDrone(drone: DroneRecord): void {
    void this.#tables.drones.put(drone.registrationId, drone)
  }

  readDrone(registrationId: string): DroneRecord | undefined {
    return this.#tables.drones.get(registrationId)
  }

  drones(page: PageRequest): Page<DroneRecord> {
    return pageOf(this.#tables.drones, page)
  }

  /** A key that is there stays as it is: the same insertion made again must not undo a revocation. */
  insertKey(key: KeyRecord): void {
    const existing = this.#tables.keys.get(key.keyId)
    if (existing && existing.hash !== key.hash) throw new Error(`key ${key.keyId} is there with another hash`)
    if (!existing) void this.#tables.keys.put(key.keyId, key)
  }

  readKey(keyId: string): KeyRecord | undefined {
    return this.#tables.keys.get(keyId)
  }

  keys(page: PageRequest): Page<KeyRecord> {
    return pageOf(this.#tables.keys, page)
  }

  revokeKey(keyId: string, at: number): KeyRecord | undefined {
    const key = this.#tables.keys.get(keyId)
    if (!key || key.revokedAt !== undefined) return key
    const revoked = { ...key, revokedAt: at }
    void this.#tables.keys.put(keyId, revoked)
    return revoked
  }

  appendAudit(entry: AuditEntry): void {
    void this.#tables.audit.put(entry.auditId, entry)
  }

  audit(page: PageRequest): Page<AuditEntry> {
    return pageOf(this.#tables.audit, page, true)
  }
}
