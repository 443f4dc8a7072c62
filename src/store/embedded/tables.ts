import { open } from 'lmdb'
import type { Database, DatabaseOptions, RootDatabase } from 'lmdb'
import type {
  AttachmentRecord,
  AuditEntry,
  ChatSessionRecord,
  DroneRecord,
  KeyRecord,
  PermissionRecord,
  TurnRequest,
  TurnState,
} from '../../turns/turn-store.ts'
import type { SegmentList } from '../../search/search-store.ts'
import type { EndedTerminal } from '../../terminals/terminal-store.ts'
import type { JournalRecord } from './journal.ts'
import type { Progress } from './progress.ts'
import type { Word } from './word.ts'

type TurnId = string
type NameHash = string
type EpochMs = number

/** What the data file holds. Keys are ordered; `true` marks a table that is only an index. */
export interface Tables {
  readonly root: RootDatabase
  readonly requests: Database<TurnRequest, TurnId>
  /** The turns as commits move them on; what they say of themselves besides is in `states`. */
  readonly turns: Database<Progress, TurnId>
  readonly states: Database<TurnState, TurnId>
  /** Turn, attempt, lane number, offset. */
  readonly words: Database<Word, [TurnId, number, number, number]>
  /** By number, the oldest first: what is not in `turns` and `words` yet, see Journal. */
  readonly journal: Database<JournalRecord, number>
  /** User and message, hashed together. */
  readonly messages: Database<TurnId, NameHash>
  readonly turnsBySession: Database<true, [NameHash, EpochMs, TurnId]>
  readonly unfinished: Database<true, [EpochMs, TurnId]>
  readonly sessions: Database<ChatSessionRecord, NameHash>
  /** User, last change, session. */
  readonly sessionsByUser: Database<true, [NameHash, EpochMs, NameHash]>
  /** Those in whose queue a message waits. */
  readonly sessionsWithQueue: Database<true, NameHash>
  readonly drones: Database<DroneRecord, string>
  readonly keys: Database<KeyRecord, string>
  /** Drone and request, hashed together. */
  readonly permissions: Database<PermissionRecord, NameHash>
  /** Turn, when it was asked, permission. */
  readonly permissionsByTurn: Database<true, [TurnId, EpochMs, NameHash]>
  readonly attachments: Database<AttachmentRecord, string>
  readonly attachmentBytes: Database<Buffer, string>
  /** Turns that have ended and are not in the search index as they ended. */
  readonly unindexed: Database<true, TurnId>
  /** The search index: its turns by user and number and the other way round, and what it consists of by user. */
  readonly searchTurns: Database<TurnId, [NameHash, number]>
  readonly searchNumbers: Database<number, TurnId>
  readonly searchSegments: Database<SegmentList, NameHash>
  /** Segment, number. */
  readonly searchChunks: Database<Buffer, [string, number]>
  /** Those that have ended, by drone and terminal. */
  readonly terminals: Database<EndedTerminal, NameHash>
  /** User and terminal hashed together, terminal. */
  readonly terminalsByName: Database<true, [NameHash, NameHash]>
  /** Turn, when it was opened, terminal. */
  readonly terminalsByTurn: Database<true, [TurnId, EpochMs, NameHash]>
  readonly audit: Database<AuditEntry, string>
  /** `owner`: the token of the process that may write, see WriteGate; `format`: see FORMAT. */
  readonly meta: Database<string, 'owner' | 'format'>
}

/** Of what is in the tables: goes up where a file would be read wrongly by a version that does not know it. */
export const FORMAT = '3'
/** Those that are read rightly: the second has no journal. */
export const READABLE: readonly unknown[] = ['2', FORMAT]

/** The tables above and some to come: LMDB wants their number when it opens. */
const MAX_TABLES = 32

export function openTables(path: string): Tables {
  const root = open({
    path,
    maxDbs: MAX_TABLES,
    // A commit is then visible only when it is on disk, and its promise means both. Never `noSync`: it loses and tears.
    overlappingSync: false,
  })
  // Plain maps: records would build decoders out of keys that a stranger chose.
  const options: DatabaseOptions & { useRecords: boolean } = { useRecords: false }
  return {
    root,
    requests: root.openDB('requests', options),
    turns: root.openDB('turns', options),
    states: root.openDB('states', options),
    words: root.openDB('words', options),
    journal: root.openDB('journal', options),
    messages: root.openDB('messages', options),
    turnsBySession: root.openDB('turnsBySession', options),
    unfinished: root.openDB('unfinished', options),
    sessions: root.openDB('sessions', options),
    sessionsByUser: root.openDB('sessionsByUser', options),
    sessionsWithQueue: root.openDB('sessionsWithQueue', options),
    drones: root.openDB('drones', options),
    keys: root.openDB('keys', options),
    permissions: root.openDB('permissions', options),
    permissionsByTurn: root.openDB('permissionsByTurn', options),
    attachments: root.openDB('attachments', options),
    attachmentBytes: root.openDB('attachmentBytes', { encoding: 'binary' }),
    unindexed: root.openDB('unindexed', options),
    searchTurns: root.openDB('searchTurns', options),
    searchNumbers: root.openDB('searchNumbers', options),
    searchSegments: root.openDB('searchSegments', options),
    searchChunks: root.openDB('searchChunks', { encoding: 'binary' }),
    terminals: root.openDB('terminals', options),
    terminalsByName: root.openDB('terminalsByName', options),
    terminalsByTurn: root.openDB('terminalsByTurn', options),
    audit: root.openDB('audit', options),
    meta: root.openDB('meta', options),
  }
}
