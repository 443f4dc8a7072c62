import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Placed } from '../../turns/entry.ts'
import type { SearchStore } from '../../search/search-store.ts'
import type { TerminalStore } from '../../terminals/terminal-store.ts'
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
import { StoreConfigError } from '../store-config-error.ts'
import { SILENT } from '../store-logger.ts'
import type { StoreLogger } from '../store-logger.ts'
import { wellFormed } from '../well-formed.ts'
import { AttachmentTable } from './attachment-table.ts'
import { DataFile } from './data-file.ts'
import { openDataFolder, reasonOf } from './data-folder.ts'
import { DirLock } from './dir-lock.ts'
import { DiskRoom } from './disk-room.ts'
import { readWords } from './lane-reader.ts'
import { PermissionTable } from './permission-table.ts'
import { RegistryTable } from './registry-table.ts'
import { EmbeddedSearch } from './embedded-search.ts'
import { EmbeddedTerminals } from './embedded-terminals.ts'
import { SearchTable } from './search-table.ts'
import { SessionTable } from './session-table.ts'
import { TurnTable } from './turn-table.ts'
import { WriteGate } from './write-gate.ts'
import { sizeOf, sumOf } from './write-size.ts'

/** LMDB's own name for it. */
const DATA_FILE = 'data.mdb'

/** Sessions read at a time: between two such pages no snapshot of the file is held. */
const SESSIONS_PAGE = 64

export interface EmbeddedStoreOptions {
  readonly dataDir: string
  readonly logger?: StoreLogger
  /** Bytes of the disk that stay free; default: 256 MB or 5 % of it, whichever is less. */
  readonly minFreeBytes?: number
  /** Monotonic ms. */
  readonly now?: () => number
}

/** Opens the store of a data folder, which is this process' alone until it is closed. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<TurnStore> {
  const { dataDir, storeDir } = await openDataFolder(options.dataDir)
  const lock = await DirLock.take(dataDir)
  try {
    const now = options.now ?? (() => performance.now())
    const place = { folder: storeDir, file: join(storeDir, DATA_FILE) }
    const room = new DiskRoom({ ...place, minFreeBytes: options.minFreeBytes })
    const logger = options.logger ?? SILENT
    if (!room.isEnough()) warnOfFullDisk(storeDir, logger)
    const file = await DataFile.open(place)
    const gate = new WriteGate({ file, room, logger, now })
    try {
      // From here on a process that slipped past the lock is refused. On a full disk the first write says it instead.
      if (room.isEnough()) await gate.write(() => undefined)
    } catch (error) {
      await file.close()
      throw error
    }
    return new EmbeddedStore({ file, gate, lock })
  } catch (cause) {
    await lock.release()
    if (cause instanceof StoreConfigError) throw cause
    throw new StoreConfigError(`The store in ${storeDir} cannot be opened: ${reasonOf(cause)}.`, { cause })
  }
}

function warnOfFullDisk(storeDir: string, logger: StoreLogger): void {
  // Opening writes where there is nothing yet, and LMDB does not survive a write that finds no room.
  if (!existsSync(join(storeDir, DATA_FILE)))
    throw new StoreConfigError(
      `The disk of ${storeDir} is nearly full: make room, or choose another data folder.`,
    )
  logger.warn('the disk of the data folder is nearly full: the store only reads until there is room', {
    storeDir,
  })
}

interface EmbeddedStoreParts {
  readonly file: DataFile
  readonly gate: WriteGate
  readonly lock: DirLock
}

/** [ST8] Turns in one LMDB file: reads are of memory, and a write resolves when it is on disk. */
class EmbeddedStore implements TurnStore {
  readonly #file: DataFile
  readonly #gate: WriteGate
  readonly #lock: DirLock
  readonly #turns: TurnTable
  readonly #sessions: SessionTable
  readonly #permissions: PermissionTable
  readonly #attachments: AttachmentTable
  readonly #registry: RegistryTable
  readonly search: SearchStore
  readonly terminals: TerminalStore
  #closing: Promise<void> | undefined

  constructor(parts: EmbeddedStoreParts) {
    this.#file = parts.file
    this.#gate = parts.gate
    this.#lock = parts.lock
    this.#turns = new TurnTable(parts.file)
    this.#sessions = new SessionTable(parts.file)
    this.#permissions = new PermissionTable(parts.file)
    this.#attachments = new AttachmentTable(parts.file)
    this.#registry = new RegistryTable(parts.file)
    const { file, gate } = parts
    const table = new SearchTable(file, this.#turns)
    this.search = new EmbeddedSearch({ table, gate, read: (action) => this.#read(action) })
    this.terminals = new EmbeddedTerminals({ file, gate, read: (action) => this.#read(action) })
  }

  insertTurn(header: TurnHeader): Promise<TurnHeader> {
    const safe = wellFormed(header)
    return this.#gate.write(
      () => this.#turns.insert(safe),
      () => sizeOf(safe),
    )
  }

  async readTurn(turnId: string): Promise<TurnHeader | undefined> {
    return this.#read(() => this.#turns.read(turnId))
  }

  commit(batches: readonly FlushBatch[]): Promise<CommitOutcome[]> {
    const safe = wellFormed(batches)
    return this.#gate.write(
      () => this.#turns.commit(safe),
      () => this.#file.journal.sizeOf(safe),
    )
  }

  takeOver(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    return this.#gate.write(() => this.#turns.takeOver(turnId, generation, node))
  }

  reopen(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined> {
    return this.#gate.write(() => this.#turns.reopen(turnId, generation, node))
  }

  async *readLane(header: LaneOwner, number: number, from: number): AsyncGenerator<Placed[]> {
    yield* this.#each(readWords(this.#file, header, number, from))
  }

  async turnsOfSession(chatSessionId: string, page: PageRequest): Promise<Page<TurnHeader>> {
    return this.#read(() => this.#turns.ofSession(chatSessionId, page))
  }

  async *unfinishedTurns(): AsyncGenerator<TurnHeader> {
    for await (const headers of this.#each(this.#turns.unfinished())) yield* headers
  }

  async findMessage(userId: string, messageId: string): Promise<TurnHeader | undefined> {
    return this.#read(() => this.#turns.findMessage(userId, messageId))
  }

  noteMessage(userId: string, messageId: string, turnId: string): Promise<void> {
    return this.#gate.write(() => this.#turns.noteMessage(userId, messageId, turnId))
  }

  insertSession(session: ChatSessionRecord): Promise<boolean> {
    const safe = wellFormed(session)
    return this.#gate.write(
      () => this.#sessions.insert(safe),
      () => sizeOf(safe),
    )
  }

  async readSession(chatSessionId: string): Promise<ChatSessionRecord | undefined> {
    return this.#read(() => this.#sessions.read(chatSessionId))
  }

  updateSession(session: ChatSessionRecord): Promise<boolean> {
    const safe = wellFormed(session)
    return this.#gate.write(
      () => this.#sessions.update(safe),
      () => sizeOf(safe),
    )
  }

  async sessionsOfUser(userId: string, page: PageRequest): Promise<Page<ChatSessionRecord>> {
    return this.#read(() => this.#sessions.ofUser(userId, page))
  }

  sessionsWithQueue(): AsyncIterable<ChatSessionRecord> {
    return itemsOf((page) => this.#read(() => this.#sessions.withQueue(page)), SESSIONS_PAGE)
  }

  saveDrone(drone: DroneRecord): Promise<void> {
    const safe = wellFormed(drone)
    return this.#gate.write(
      () => this.#registry.saveDrone(safe),
      () => sizeOf(safe),
    )
  }

  async readDrone(registrationId: string): Promise<DroneRecord | undefined> {
    return this.#read(() => this.#registry.readDrone(registrationId))
  }

  async listDrones(page: PageRequest): Promise<Page<DroneRecord>> {
    return this.#read(() => this.#registry.drones(page))
  }

  insertKey(key: KeyRecord): Promise<void> {
    const safe = wellFormed(key)
    return this.#gate.write(
      () => this.#registry.insertKey(safe),
      () => sizeOf(safe),
    )
  }

  async findKey(keyId: string): Promise<KeyRecord | undefined> {
    return this.#read(() => this.#registry.readKey(keyId))
  }

  async listKeys(page: PageRequest): Promise<Page<KeyRecord>> {
    return this.#read(() => this.#registry.keys(page))
  }

  revokeKey(keyId: string, at: number): Promise<KeyRecord | undefined> {
    return this.#gate.write(() => this.#registry.revokeKey(keyId, at))
  }

  insertPermission(permission: PermissionRecord): Promise<PermissionRecord> {
    const safe = wellFormed(permission)
    return this.#gate.write(
      () => this.#permissions.insert(safe),
      () => sizeOf(safe),
    )
  }

  async readPermission(registrationId: string, requestId: string): Promise<PermissionRecord | undefined> {
    return this.#read(() => this.#permissions.read(registrationId, requestId))
  }

  async answerPermission(
    registrationId: string,
    requestId: string,
    answer: PermissionAnswer,
  ): Promise<PermissionRecord | undefined> {
    const asked = await this.readPermission(registrationId, requestId)
    if (!asked) return undefined
    return this.#gate.write(
      () => this.#permissions.answer(registrationId, requestId, answer),
      () => sizeOf(asked),
    )
  }

  async permissionsOfTurn(turnId: string): Promise<PermissionRecord[]> {
    return this.#read(() => this.#permissions.ofTurn(turnId))
  }

  insertAttachment(attachment: AttachmentRecord, bytes: Uint8Array): Promise<void> {
    const safe = wellFormed(attachment)
    return this.#gate.write(
      () => this.#attachments.insert(safe, bytes),
      () => sumOf([sizeOf(safe), { places: 1, bytes: bytes.length }]),
    )
  }

  async findAttachment(attachmentId: string): Promise<AttachmentRecord | undefined> {
    return this.#read(() => this.#attachments.find(attachmentId))
  }

  async readAttachment(attachmentId: string): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#attachments.read(attachmentId))
  }

  appendAudit(entry: AuditEntry): Promise<void> {
    const safe = wellFormed(entry)
    return this.#gate.write(
      () => this.#registry.appendAudit(safe),
      () => sizeOf(safe),
    )
  }

  async listAudit(page: PageRequest): Promise<Page<AuditEntry>> {
    return this.#read(() => this.#registry.audit(page))
  }

  async ping(): Promise<void> {
    await this.#file.whenOpen()
    await this.#gate.check()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#gate.close()
    await this.#file.close()
    await this.#lock.release()
  }

  /** [ST18] A read that comes while the file is opened anew waits for that. */
  async #read<T>(read: () => T): Promise<T> {
    const opening = this.#file.whenOpen()
    if (opening) await opening
    return read()
  }

  /** Takes one piece at a time, and lets others run in between: reading a long turn must not hold up the rest. */
  async *#each<T>(pieces: Iterator<T>): AsyncGenerator<T> {
    for (;;) {
      const piece = await this.#read(() => pieces.next())
      if (piece.done) return
      yield piece.value
      await setImmediate()
    }
  }
}
