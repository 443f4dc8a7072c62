import { isEnd } from '../../src/protocol/turn-view.ts'
import { decide } from '../../src/store/decide.ts'
import { continuation, spansOf } from '../../src/store/lane-span.ts'
import { afterBatch, headerOf, recordOf } from '../../src/store/turn-record.ts'
import { requestOf } from '../../src/turns/header.ts'
import type { TurnRecord } from '../../src/store/turn-record.ts'
import { endOf } from '../../src/turns/entry.ts'
import type { Placed } from '../../src/turns/entry.ts'
import type {
  ChatSessionRecord,
  CommitOutcome,
  DroneRecord,
  FlushBatch,
  LaneOwner,
  Page,
  TurnHeader,
  TurnRequest,
} from '../../src/turns/turn-store.ts'

interface Kept {
  readonly request: TurnRequest
  record: TurnRecord
}

/** What a store keeps of turns, sessions and drones, each call atomic: docs/SPEC.md, [ST2] to [ST7] and [ST11] to [ST13]. */
export class MemoryStore {
  readonly #turns = new Map<string, Kept>()
  readonly #parts = new Map<string, readonly Placed[]>()
  readonly #sessions = new Map<string, ChatSessionRecord>()
  readonly #drones = new Map<string, DroneRecord>()
  readonly #noted = new Map<string, string>()
  readonly #isGuarded: boolean
  /** A batch was applied, and to what. */
  onApplied: (batch: FlushBatch, before: TurnRecord) => void = () => undefined
  /** Goes up with every change, so that a check need not read what is as it was. */
  changes = 0

  constructor({ isGuarded }: { isGuarded: boolean }) {
    this.#isGuarded = isGuarded
  }

  insertTurn(header: TurnHeader): TurnHeader {
    const twin = this.findMessage(header.userId, header.messageId)
    if (twin) return twin
    this.changes += 1
    this.#turns.set(header.turnId, { request: requestOf(header), record: recordOf(header) })
    return header
  }

  readTurn(turnId: string): TurnHeader | undefined {
    const kept = this.#turns.get(turnId)
    return kept && headerOf(kept.request, kept.record)
  }

  commit(batches: readonly FlushBatch[]): CommitOutcome[] {
    return batches.map((batch) => {
      const kept = this.#turns.get(batch.turnId)
      const stamp = kept && { ...kept.record, ...kept.record.state }
      const decision = this.#isGuarded ? decide(batch, stamp) : 'due'
      if (decision !== 'due' || !kept) return decision === 'committed' ? 'committed' : 'fenced'
      for (const { number, closed } of batch.lanes) {
        for (const { index, entries } of closed) this.#parts.set(partKey(batch, number, index), entries)
      }
      const before = kept.record
      kept.record = afterBatch(before, batch)
      this.changes += 1
      this.onApplied(batch, before)
      return 'committed'
    })
  }

  takeOver(turnId: string, generation: number, node: string): TurnHeader | undefined {
    return this.#take(turnId, generation, node, (record) => (isEnd(record.state.status) ? undefined : record))
  }

  reopen(turnId: string, generation: number, node: string): TurnHeader | undefined {
    return this.#take(turnId, generation, node, (record) => {
      const { endedAt: _endedAt, ...state } = record.state
      const isOver = state.status === 'failed' || state.status === 'aborted'
      return isOver ? { ...record, state: { ...state, status: 'recovering' } } : undefined
    })
  }

  turnsOfSession(chatSessionId: string, { limit }: { limit: number }): { items: TurnHeader[] } {
    const items = this.all().filter((header) => header.chatSessionId === chatSessionId)
    return { items: items.toReversed().slice(0, limit) }
  }

  unfinished(): TurnHeader[] {
    return this.all().filter(({ status }) => !isEnd(status))
  }

  /** Oldest first. */
  all(): TurnHeader[] {
    return [...this.#turns.values()].map(({ request, record }) => headerOf(request, record))
  }

  findMessage(userId: string, messageId: string): TurnHeader | undefined {
    const noted = this.#noted.get(messageId)
    const own = this.all().find((header) => header.userId === userId && header.messageId === messageId)
    return own ?? (noted === undefined ? undefined : this.readTurn(noted))
  }

  /** All of one user. */
  noteMessage(_userId: string, messageId: string, turnId: string): void {
    if (!this.#noted.has(messageId)) this.#noted.set(messageId, turnId)
  }

  withQueue(): ChatSessionRecord[] {
    return [...this.#sessions.values()].filter(({ queue }) => queue.length > 0)
  }

  /** The words of a lane from `from` on: the parts that its header counts, then what that holds itself. */
  words(owner: LaneOwner, number: number, from: number): Placed[] {
    const lane = owner.lanes[number]
    const found: Placed[] = []
    let position = from
    const add = (entries: readonly Placed[], to: number): void => {
      for (const placed of continuation(entries, position, to)) {
        found.push(placed)
        position = endOf(placed)
      }
    }
    for (const { attempt, parts, to } of spansOf(owner, number, from)) {
      for (let index = 0; index < parts; index++)
        add(this.#parts.get(partKey({ turnId: owner.turnId, attempt }, number, index)) ?? [], to)
    }
    if (lane) add(lane.open, lane.length)
    return found
  }

  insertSession(session: ChatSessionRecord): boolean {
    if (this.#sessions.has(session.chatSessionId)) return false
    this.#sessions.set(session.chatSessionId, session)
    return true
  }

  readSession(chatSessionId: string): ChatSessionRecord | undefined {
    return this.#sessions.get(chatSessionId)
  }

  updateSession(session: ChatSessionRecord): boolean {
    const found = this.#sessions.get(session.chatSessionId)
    if (found?.version === session.version - 1) {
      this.#sessions.set(session.chatSessionId, session)
      return true
    }
    return JSON.stringify(found) === JSON.stringify(session)
  }

  saveDrone(drone: DroneRecord): void {
    this.#drones.set(drone.registrationId, drone)
  }

  /** In one page: a model has few. */
  listDrones(): Page<DroneRecord> {
    return { items: [...this.#drones.values()] }
  }

  readDrone(registrationId: string): DroneRecord | undefined {
    return this.#drones.get(registrationId)
  }

  #take(
    turnId: string,
    generation: number,
    node: string,
    change: (record: TurnRecord) => TurnRecord | undefined,
  ): TurnHeader | undefined {
    const kept = this.#turns.get(turnId)
    if (!kept) return undefined
    const { record } = kept
    const isMine = record.generation === generation + 1 && record.node === node
    if (isMine) return isEnd(record.state.status) ? undefined : this.readTurn(turnId)
    const changed = record.generation === generation ? change(record) : undefined
    if (!changed) return undefined
    kept.record = { ...changed, generation: generation + 1, node }
    this.changes += 1
    return this.readTurn(turnId)
  }
}

function partKey(of: { turnId: string; attempt: number }, number: number, index: number): string {
  return `${of.turnId}:${of.attempt}:${number}:${index}`
}
