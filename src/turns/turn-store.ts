import type { Registration } from '../protocol/handshake.ts'
import type { PermissionRequest, Usage } from '../protocol/drone-up.ts'
import type { AttachmentView, SteerTaken, TurnStatus, UsageTotals } from '../protocol/turn-view.ts'
import type { SearchStore } from '../search/search-store.ts'
import type { TerminalStore } from '../terminals/terminal-store.ts'
import type { Placed } from './entry.ts'

/** A lane that an attempt began with: the words below `length` are those of `attempt`, in its parts below `parts`. */
export interface Borrowed {
  readonly attempt: number
  readonly parts: number
  readonly length: number
}

/** What a header says of one lane of the current attempt. Its index in `TurnHeader.lanes` is its number for ever. */
export interface StoredLane {
  readonly name: string
  /** Durable length. Nothing at or beyond it exists for readers. */
  readonly length: number
  /** Closed parts. A part below this never changes again; one at or beyond it does not exist for readers. */
  readonly parts: number
  /** What follows the last closed part, bounded by `partBytes`; stores that keep small records leave it empty. */
  readonly open: readonly Placed[]
  /** Oldest first; empty unless the attempt began with the words of an earlier one. */
  readonly borrowed: readonly Borrowed[]
}

/** A closed block, or a piece of a long one, as written once by a flush. */
export interface Part {
  readonly index: number
  readonly entries: readonly Placed[]
}

/** An attempt that was given up. Its words stay readable: `open` is always empty here. */
export interface EarlierAttempt {
  readonly attempt: number
  readonly reason: string
  readonly acknowledged: boolean
  readonly droneId: string
  readonly startedAt: number
  readonly endedAt: number
  readonly usage?: Usage
  readonly lanes: readonly StoredLane[]
}

/** Which process has the order of the current attempt. */
export interface Assignment {
  readonly registrationId: string
  readonly droneId: string
  /** Later attempts stay in this workspace. */
  readonly workspaceId: string
  /** Absent for a plain drone. */
  readonly instanceId?: string
  /** The drone has written the order down. */
  readonly acknowledged: boolean
}

/** What was asked for with the prompt; never changes. */
export interface TurnRequest {
  readonly turnId: string
  readonly chatSessionId: string
  readonly userId: string
  /** Unique per user. */
  readonly messageId: string
  readonly prompt: string
  readonly droneId?: string
  readonly workspaceId?: string
  readonly agent?: string
  readonly model?: string
  readonly provider?: string
  readonly thinkingLevel?: string
  readonly cwd?: string
  readonly attachments?: AttachmentView[]
  /** Only a drone with all of these labels may have it: a rule says so. */
  readonly labels?: Readonly<Record<string, string>>
  /** Its drone spoke unasked: there is no prompt. */
  readonly unasked?: boolean
  /** Whom it was for, as it said. */
  readonly mentions?: string[]
  /** Epoch ms, the relay's clock. */
  readonly createdAt: number
}

/** A file that its user has uploaded: its id is made of who and what, so that it is there once. */
export interface AttachmentRecord extends AttachmentView {
  readonly userId: string
  readonly createdAt: number
}

/** A message that went into a turn which had begun. */
export interface TakenSteer {
  readonly messageId: string
  readonly text: string
  readonly by: string
  readonly as: SteerTaken
  /** The length of the turn's own lane then. */
  readonly offset: number
  readonly at: number
}

/** What changes of a turn besides its words. */
export interface TurnState {
  readonly attempt: number
  readonly status: TurnStatus
  readonly reason?: string
  readonly assigned?: Assignment
  readonly startedAt?: number
  readonly endedAt?: number
  /** Words on the way from a plain drone may have been lost. */
  readonly incomplete?: boolean
  readonly usage?: Usage
  /** Messages that its agent took while it worked, in the order it did; those of all attempts. */
  readonly steers?: readonly TakenSteer[]
  readonly toolCallCount: number
  /** A tool that changes things had started: whether another attempt follows is a matter of policy. */
  readonly sideEffects?: boolean
  /** While `recovering`: the next attempt waits for somebody's yes. */
  readonly asks?: boolean
  readonly earlier: readonly EarlierAttempt[]
}

/** A turn's commit record: everything but the words below `lanes[].parts`. */
export interface TurnHeader extends TurnRequest, TurnState {
  /** Goes up with every takeover; a write under an older one is refused. */
  readonly generation: number
  /** Goes up by one with every commit. */
  readonly version: number
  /** The node that took the turn over last. */
  readonly node: string
  readonly lanes: readonly StoredLane[]
}

/** One lane's share of a flush. */
export interface LaneFlush {
  /** The lane's number: its index in `lanes` before, or the next free one for a lane that is new. */
  readonly number: number
  /** The words that are new: contiguous from the durable length before to `after.length`. */
  readonly fresh: readonly Placed[]
  /** The parts that this flush closes (made of the old `open` and `fresh`): indexes `before.parts` to `after.parts - 1`. */
  readonly closed: readonly Part[]
  readonly after: StoredLane
}

/**
 * One turn's share of a commit, frozen: as long as its outcome is unknown it is given again, the very same.
 * It applies only where the header has this attempt, generation and version and is not ended.
 */
export interface FlushBatch {
  readonly turnId: string
  readonly attempt: number
  readonly generation: number
  readonly version: number
  readonly lanes: readonly LaneFlush[]
  /** The whole new state where something of it changed. Its `attempt` may be `attempt + 1`: then ... */
  readonly state?: TurnState
  /** ... these are the lanes the next attempt begins with, in place of all former ones. */
  readonly nextLanes?: readonly StoredLane[]
}

/**
 * `fenced`: another owner, attempt or end came first; nothing of the batch will ever come to exist. Nor does anything of
 * it exist, unless an earlier try had an unknown outcome: that one may have been in time, and then whoever came has it.
 */
export type CommitOutcome = 'committed' | 'fenced'

/** A message that waits for the live turn's end, or for its agent to take it. */
export interface QueuedMessage extends Pick<
  TurnRequest,
  | 'messageId'
  | 'droneId'
  | 'workspaceId'
  | 'agent'
  | 'model'
  | 'provider'
  | 'thinkingLevel'
  | 'cwd'
  | 'attachments'
> {
  readonly content: string
  /** The user who sent it. */
  readonly by: string
  /** The turn it is for while that is live; after that it is a message like any other. */
  readonly steers?: string
}

/** What a session has used: see `usage.ts`. */
export interface SessionUsage {
  readonly turns: number
  readonly messages: number
  readonly modelSwitches: number
  readonly totals: UsageTotals
  /** By day (UTC), the newest last. */
  readonly days: { readonly day: string; readonly turns: number; readonly totals: UsageTotals }[]
  /** What was counted last: tried again, the turn counts once. */
  readonly last: {
    readonly turnId: string
    readonly totals: UsageTotals
    readonly messages: number
    readonly model?: string
  }
  readonly contextUsed?: number
  readonly contextWindow?: number
}

/** Where an agent has made its conversation shorter: later orders begin with the summary. */
export interface Compaction {
  readonly summary: string
  /** Epoch ms: what was said before is in the summary, but for the last `kept` messages. */
  readonly at: number
  readonly summarized: number
  readonly kept: number
}

/** A conversation. `version` is its compare-and-set. */
export interface ChatSessionRecord {
  readonly chatSessionId: string
  readonly userId: string
  readonly title?: string
  readonly workspaceId?: string
  /** The drone it stays with while that is there. */
  readonly droneId?: string
  readonly model?: string
  readonly provider?: string
  readonly thinkingLevel?: string
  readonly agent?: string
  readonly agentSession?: { readonly registrationId: string; readonly agentSessionId: string }
  /** The rule that chose for the last message. */
  readonly routing?: { readonly rule: string; readonly reason: string }
  readonly usage?: SessionUsage
  readonly compaction?: Compaction
  /** A turn that has ended counts as none. */
  readonly liveTurnId?: string
  readonly queue: readonly QueuedMessage[]
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

export interface DroneRecord {
  readonly registrationId: string
  readonly userId: string
  readonly droneId: string
  /** As the drone last gave it. */
  readonly registration: Registration
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  /** Instances that a newer one has replaced, newest last, bounded: they may not come back. */
  readonly replacedInstances: readonly string[]
  /** Processes in a row that died with work in hand. */
  readonly crashes?: number
  /** Gets no work until an operator says so. */
  readonly quarantine?: Quarantine
}

export interface Quarantine {
  readonly since: number
  readonly reason: string
}

export const KEY_KINDS = ['drone', 'code', 'watch', 'ops'] as const
export type KeyKind = (typeof KEY_KINDS)[number]

export interface KeyRecord {
  readonly keyId: string
  readonly kind: KeyKind
  readonly userId: string
  readonly label?: string
  /** SHA-256 of the key, hex. */
  readonly hash: string
  readonly createdAt: number
  readonly revokedAt?: number
}

export interface AuditEntry {
  /** Sorts by time. */
  readonly auditId: string
  readonly at: number
  readonly by: string
  readonly action: string
  readonly subject: string
  readonly reason?: string
}

/** What an agent asked of people, and what came of it. Its drone's id for it is its own: two drones may use the same. */
export interface PermissionRecord extends Pick<
  PermissionRequest,
  'requestId' | 'turnId' | 'attempt' | 'title' | 'toolCall' | 'options'
> {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  readonly chatSessionId: string
  /** Epoch ms, the relay's clock. */
  readonly askedAt: number
  readonly expiresAt: number
  readonly answer?: PermissionAnswer
}

export interface PermissionAnswer {
  /** Absent: nobody chose in time, or the attempt was over first. */
  readonly optionId?: string
  /** The user who chose. */
  readonly by?: string
  readonly at: number
}

/** `next` is given to the following call as `after`, and missing on the last page. */
export interface Page<Item> {
  readonly items: Item[]
  readonly next?: string
}

export interface PageRequest {
  readonly after?: string
  readonly limit: number
}

/**
 * Where turns live. Every promise resolves only once what it did is durable: flushed to disk, or written with majority
 * and journal. A call whose outcome is unknown, or that could not be made, rejects with `store_unavailable`; making the
 * same call again is then right for every one of them.
 */
export interface TurnStore {
  /** Inserts a turn, or answers the one that already has this user's `messageId`. */
  insertTurn(header: TurnHeader): Promise<TurnHeader>
  readTurn(turnId: string): Promise<TurnHeader | undefined>
  /** One outcome a batch, in order. Batches are of different turns. */
  commit(batches: readonly FlushBatch[]): Promise<CommitOutcome[]>
  /** Puts the turn under `generation + 1` and `node`, if it has `generation` and is not ended; and only then reads it. */
  takeOver(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined>
  /** As `takeOver`, of a turn that has failed or was aborted: it is `recovering` from then on. */
  reopen(turnId: string, generation: number, node: string): Promise<TurnHeader | undefined>
  /**
   * The words of a lane in `[from, lane.length)`, in order and without overlap, in pieces of a bounded size.
   * Ends early if the attempt changed under the reader, who then reads the header again.
   */
  readLane(header: LaneOwner, number: number, from: number): AsyncIterable<Placed[]>
  /** Newest first; `after` is a turn id. */
  turnsOfSession(chatSessionId: string, page: PageRequest): Promise<Page<TurnHeader>>
  /** Every turn that has not ended, oldest first. */
  unfinishedTurns(): AsyncIterable<TurnHeader>
  /** The turn that a message has become, or has gone into. */
  findMessage(userId: string, messageId: string): Promise<TurnHeader | undefined>
  /** A message has gone into a turn that had begun; the first turn counts. */
  noteMessage(userId: string, messageId: string, turnId: string): Promise<void>

  /** False where somebody has that id already. */
  insertSession(session: ChatSessionRecord): Promise<boolean>
  readSession(chatSessionId: string): Promise<ChatSessionRecord | undefined>
  /** Replaces the session if it still has `session.version - 1`. Repeating a write that succeeded answers true. */
  updateSession(session: ChatSessionRecord): Promise<boolean>
  /** Newest change first. */
  sessionsOfUser(userId: string, page: PageRequest): Promise<Page<ChatSessionRecord>>
  /** Every session in whose queue a message waits, in no order. */
  sessionsWithQueue(): AsyncIterable<ChatSessionRecord>

  saveDrone(drone: DroneRecord): Promise<void>
  readDrone(registrationId: string): Promise<DroneRecord | undefined>
  listDrones(page: PageRequest): Promise<Page<DroneRecord>>

  insertKey(key: KeyRecord): Promise<void>
  findKey(keyId: string): Promise<KeyRecord | undefined>
  listKeys(page: PageRequest): Promise<Page<KeyRecord>>
  /** The key as revoked, or undefined where there is none. */
  revokeKey(keyId: string, at: number): Promise<KeyRecord | undefined>

  /** Inserts what a drone asks, or answers what it has asked by this id already. */
  insertPermission(permission: PermissionRecord): Promise<PermissionRecord>
  readPermission(registrationId: string, requestId: string): Promise<PermissionRecord | undefined>
  /** The first answer counts. Resolves with what is there then: undefined where nothing was asked. */
  answerPermission(
    registrationId: string,
    requestId: string,
    answer: PermissionAnswer,
  ): Promise<PermissionRecord | undefined>
  /** Of all its attempts, the oldest first. */
  permissionsOfTurn(turnId: string): Promise<PermissionRecord[]>

  /** What turns say, by its words. */
  readonly search: SearchStore
  readonly terminals: TerminalStore

  /** Keeps a file, or leaves the one that has this id. */
  insertAttachment(attachment: AttachmentRecord, bytes: Uint8Array): Promise<void>
  findAttachment(attachmentId: string): Promise<AttachmentRecord | undefined>
  readAttachment(attachmentId: string): Promise<Uint8Array | undefined>

  appendAudit(entry: AuditEntry): Promise<void>
  /** Newest first. */
  listAudit(page: PageRequest): Promise<Page<AuditEntry>>

  /** Resolves when the store takes reads and writes. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** What `readLane` needs to know: a header, or one of its earlier attempts with the turn's id. */
export interface LaneOwner {
  readonly turnId: string
  readonly attempt: number
  readonly lanes: readonly StoredLane[]
}
