import type { Placed } from '../../turns/entry.ts'
import { itemsOf } from '../../turns/pages.ts'
import type {
  AttachmentRecord,
  AuditEntry,
  ChatSessionRecord,
  CommitOutcome,
  DroneRecord,
  FlushBatch,
  KeyRecord,
  LaneOwner,
  Page,
  PageRequest,
  PermissionAnswer,
  PermissionRecord,
  TurnHeader,
  TurnStore,
} from '../../turns/turn-store.ts'
import { SILENT } from '../store-logger.ts'
import type { StoreLogger } from '../store-logger.ts'
import { wellFormed } from '../well-formed.ts'
import { commitBatches } from './commit.ts'
import { MongoAttachments } from './mongo-attachments.ts'
import { MongoLink } from './mongo-link.ts'
import { MongoPermissions } from './mongo-permissions.ts'
import { MongoRegistry } from './mongo-registry.ts'
import { MongoSearch } from './mongo-search.ts'
import { MongoTerminals } from './mongo-terminals.ts'
import { MongoSessions } from './mongo-sessions.ts'
import { MongoTurns } from './mongo-turns.ts'
import { readParts } from './read-parts.ts'
import type { PartsWanted } from './read-parts.ts'

/** Sessions read at a time. */
const SESSIONS_PAGE = 64

export interface MongoStoreOptions {
  readonly uri: string
  /** Default: the one that the URI names, else `drone_relay`. */
  readonly database?: string
  readonly logger?: StoreLogger
  /** ms that a call looks for a server before it is refused; default: 3000. */
  readonly selectionMs?: number
  /** ms in which every call failed, after which the client is made anew; default: 10,000. */
  readonly renewAfterMs?: number
}

/**
 * Throws StoreConfigError for a URI that is none. A server that is away does not matter: one try is waited for, then
 * calls are refused until it comes.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<TurnStore> {
  const store = new MongoStore(options)
  await store.open()
  return store
}

/** [ST1] to [ST5]: turns in any MongoDB-compatible database, shared by all nodes. */
class MongoStore implements TurnStore {
  readonly #link: MongoLink
  readonly #turns: MongoTurns
  readonly #sessions: MongoSessions
  readonly #permissions: MongoPermissions
  readonly #attachments: MongoAttachments
  readonly #registry: MongoRegistry
  readonly search: MongoSearch
  readonly terminals: MongoTerminals

  constructor(options: MongoStoreOptions) {
    const { uri, database, selectionMs, renewAfterMs, logger = SILENT } = options
    this.#link = new MongoLink({ uri, database, selectionMs, renewAfterMs, logger })
    const { connection } = this.#link
    this.#turns = new MongoTurns(connection)
    this.#sessions = new MongoSessions(connection)
    this.#permissions = new MongoPermissions(connection)
    this.#attachments = new MongoAttachments(connection)
    this.#registry = new MongoRegistry(connection)
    this.search = new MongoSearch(this.#link)
    this.terminals = new MongoTerminals(this.#link)
  }

  open(): Promise<void> {
    const parts = [
      this.#turns,
      this.#sessions,
      this.#permissions,
      this.#attachments,
      this.search,
      this.terminals,
    ]
    return this.#link.open(parts.flatMap(({ models }) => models))
  }

  insertTurn(header: TurnHeader): Promise<TurnHeader> {
    return this.#link.call(() => this.#turns.insert(wellFormed(header)))
  }

  readTurn(turnId: string): Promise<TurnHeader | undefined> {
    return this.#link.call(() => this.#turns.read(turnId))
  }

  commit(batches: readonly FlushBatch[]): Promise<CommitOutcome[]> {
    return this.#link.call(() => commitBatches(this.#turns, wellFormed(batches)))
  }

  takeOver(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    return this.#link.call(() => this.#turns.takeOver(turnId, generation, node))
  }

  reopen(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    return this.#link.call(() => this.#turns.reopen(turnId, generation, node))
  }

  readLane(header: LaneOwner, number: number, from: number): AsyncIterable<Placed[]> {
    const findParts = (wanted: PartsWanted) => this.#link.call(() => this.#turns.findParts(wanted))
    return readParts(findParts, header, number, from)
  }

  turnsOfSession(chatSessionId: string, page: PageRequest): Promise<Page<TurnHeader>> {
    return this.#link.call(() => this.#turns.ofSession(chatSessionId, page))
  }

  async *unfinishedTurns(): AsyncGenerator<TurnHeader> {
    let last: TurnHeader | undefined
    do {
      const after = last
      const headers = await this.#link.call(() => this.#turns.unfinished(after))
      yield* headers
      last = headers.at(-1)
    } while (last)
  }

  findMessage(userId: string, messageId: string): Promise<TurnHeader | undefined> {
    return this.#link.call(() => this.#turns.findMessage(userId, messageId))
  }

  noteMessage(userId: string, messageId: string, turnId: string): Promise<void> {
    return this.#link.call(() => this.#turns.noteMessage(userId, messageId, turnId))
  }

  insertSession(session: ChatSessionRecord): Promise<boolean> {
    return this.#link.call(() => this.#sessions.insert(wellFormed(session)))
  }

  readSession(chatSessionId: string): Promise<ChatSessionRecord | undefined> {
    return this.#link.call(() => this.#sessions.read(chatSessionId))
  }

  updateSession(session: ChatSessionRecord): Promise<boolean> {
    return this.#link.call(() => this.#sessions.update(wellFormed(session)))
  }

  sessionsOfUser(userId: string, page: PageRequest): Promise<Page<ChatSessionRecord>> {
    return this.#link.call(() => this.#sessions.ofUser(userId, page))
  }

  sessionsWithQueue(): AsyncIterable<ChatSessionRecord> {
    return itemsOf((page) => this.#link.call(() => this.#sessions.withQueue(page)), SESSIONS_PAGE)
  }

  saveDrone(drone: DroneRecord): Promise<void> {
    return this.#link.call(() => this.#registry.saveDrone(wellFormed(drone)))
  }

  readDrone(registrationId: string): Promise<DroneRecord | undefined> {
    return this.#link.call(() => this.#registry.readDrone(registrationId))
  }

  listDrones(page: PageRequest): Promise<Page<DroneRecord>> {
    return this.#link.call(() => this.#registry.drones(page))
  }

  insertKey(key: KeyRecord): Promise<void> {
    return this.#link.call(() => this.#registry.insertKey(wellFormed(key)))
  }

  findKey(keyId: string): Promise<KeyRecord | undefined> {
    return this.#link.call(() => this.#registry.readKey(keyId))
  }

  listKeys(page: PageRequest): Promise<Page<KeyRecord>> {
    return this.#link.call(() => this.#registry.keys(page))
  }

  revokeKey(keyId: string, at: number): Promise<KeyRecord | undefined> {
    return this.#link.call(() => this.#registry.revokeKey(keyId, at))
  }

  insertPermission(permission: PermissionRecord): Promise<PermissionRecord> {
    return this.#link.call(() => this.#permissions.insert(wellFormed(permission)))
  }

  readPermission(registrationId: string, requestId: string): Promise<PermissionRecord | undefined> {
    return this.#link.call(() => this.#permissions.read(registrationId, requestId))
  }

  answerPermission(
    registrationId: string,
    requestId: string,
    answer: PermissionAnswer,
  ): Promise<PermissionRecord | undefined> {
    return this.#link.call(() => this.#permissions.answer(registrationId, requestId, wellFormed(answer)))
  }

  permissionsOfTurn(turnId: string): Promise<PermissionRecord[]> {
    return this.#link.call(() => this.#permissions.ofTurn(turnId))
  }

  insertAttachment(attachment: AttachmentRecord, bytes: Uint8Array): Promise<void> {
    return this.#link.call(() => this.#attachments.insert(wellFormed(attachment), bytes))
  }

  findAttachment(attachmentId: string): Promise<AttachmentRecord | undefined> {
    return this.#link.call(() => this.#attachments.find(attachmentId))
  }

  readAttachment(attachmentId: string): Promise<Uint8Array | undefined> {
    return this.#link.call(() => this.#attachments.read(attachmentId))
  }

  appendAudit(entry: AuditEntry): Promise<void> {
    return this.#link.call(() => this.#registry.appendAudit(wellFormed(entry)))
  }

  listAudit(page: PageRequest): Promise<Page<AuditEntry>> {
    return this.#link.call(() => this.#registry.audit(page))
  }

  ping(): Promise<void> {
    return this.#link.call(() => this.#link.ping())
  }

  close(): Promise<void> {
    return this.#link.close()
  }
}
