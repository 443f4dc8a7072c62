import { RelayError } from '../protocol/errors.ts'
import type { LaneHead } from '../protocol/position.ts'
import { isEnd } from '../protocol/turn-view.ts'
import { lengthOf } from './entry.ts'
import type { CallEntry, Entry, Placed } from './entry.ts'
import { pick, requestOf, stateOf } from './header.ts'
import { ENTRY_OVERHEAD_BYTES, bytesOf } from './parts.ts'
import { Refusals } from './refusals.ts'
import { hasSideEffects } from './side-effects.ts'
import { StoredLanes, borrowedFrom } from './stored-lanes.ts'
import { TurnLog } from './turn-log.ts'
import type { Outcome } from './turn-log.ts'
import type { EarlierAttempt, FlushBatch, LaneFlush, StoredLane } from './turn-store.ts'
import type { TurnHeader, TurnRequest, TurnState } from './turn-store.ts'

/**
 * `full`: more is said than may wait to be stored; it is dropped and asked for again when there is room.
 * `crowded`: the turn has as many lanes as it may have.
 */
export type TurnOutcome = Outcome | 'full' | 'crowded'

/** The lanes of one attempt: more subagents than any agent starts in a turn. */
const MAX_LANES = 1000

interface Waiter {
  resolve(): void
  reject(error: RelayError): void
}

interface InFlight {
  readonly batch: FlushBatch
  readonly succession: Succession | undefined
  readonly bytes: number
  readonly waiters: Waiter[]
}

/** The next attempt, decided but not yet stored. */
export interface Succession {
  readonly ended: Omit<EarlierAttempt, 'lanes'>
  /** The next attempt begins with the words of the one given up. */
  readonly borrows: boolean
}

/** What may change of a turn besides its words and attempts. */
export type TurnChange = Partial<Omit<TurnState, 'attempt' | 'earlier' | 'toolCallCount'>>

/** The bounds of one turn's memory. */
export interface TurnBounds {
  /** A part is closed at this size. */
  readonly partBytes: number
  /** Words that wait to be stored; past this they are refused as `full`. */
  readonly maxUnstoredBytes: number
}

/**
 * A live turn as its owner holds it: the words that are not stored yet, and the header as stored and as it will be.
 * Everything here is synchronous. What is durable changes only by `freeze`, a commit somewhere else, and `committed`.
 */
export class Turn {
  readonly request: TurnRequest
  /** What its viewers were last told of its life. */
  told: Pick<TurnState, 'attempt' | 'status' | 'asks'>
  /** The drone the conversation has been with: chosen first where several fit. */
  preferredDroneId: string | undefined
  readonly #bounds: TurnBounds
  readonly #log: TurnLog
  #generation: number
  #version: number
  #state: TurnState
  #stateChanged = false
  readonly #stored = new StoredLanes([])
  #succession: Succession | undefined
  #inFlight: InFlight | undefined
  #waiters: Waiter[] = []
  #unstoredBytes = 0
  #urgent = false
  #fenced = false
  #size = { bytes: 0, blocks: 0 }
  /** Monotonic: when its drone was heard of last, and when it got the attempt. */
  heardAt = 0
  begunAt = 0
  readonly #refusals = new Refusals()

  constructor(header: TurnHeader, bounds: TurnBounds) {
    const { generation, version, node: _node, lanes } = header
    this.request = requestOf(header)
    this.#state = stateOf(header)
    this.told = pick(header, 'attempt', 'status', 'asks') as Turn['told']
    this.#bounds = bounds
    this.#generation = generation
    this.#version = version
    this.#log = new TurnLog(header.attempt)
    this.#setLanes(lanes)
  }

  get turnId(): string {
    return this.request.turnId
  }

  get chatSessionId(): string {
    return this.request.chatSessionId
  }

  /** The attempt whose words are held: one behind `state.attempt` until a succession is stored. */
  get loggedAttempt(): number {
    return this.#log.attempt
  }

  /** As it will be stored next; nobody is told before it is. */
  get state(): TurnState {
    return this.#state
  }

  get ended(): boolean {
    return isEnd(this.#state.status)
  }

  get fenced(): boolean {
    return this.#fenced
  }

  /** A block has ended since the last flush: the next one should not wait. */
  get urgent(): boolean {
    return this.#urgent
  }

  get unstoredBytes(): number {
    return this.#unstoredBytes
  }

  get hasUnstored(): boolean {
    return this.#stateChanged || this.#succession !== undefined || this.#unstoredBytes > 0
  }

  /** Whatever has been decided of its life would be found by the next relay. */
  get isStateStored(): boolean {
    const isOnItsWay = this.#inFlight?.batch.state !== undefined
    return !this.#stateChanged && !isOnItsWay && this.#succession === undefined
  }

  /** What was said of this attempt since this node has it, and at least the length of what it found. */
  get size(): { readonly bytes: number; readonly blocks: number } {
    return this.#size
  }

  /** Durable heads, lane by lane: what a drone is told it may forget. */
  storedHeads(): LaneHead[] {
    return this.#stored.heads()
  }

  heads(): LaneHead[] {
    return this.#log.heads()
  }

  received(lane: string): number {
    return this.#log.length(lane)
  }

  settled(lane: string): number {
    return this.#log.lanes.get(lane)?.settled ?? 0
  }

  after(lane: string, from: number): Placed[] {
    return this.#log.after(lane, from)
  }

  /** The words that are not known to be stored. */
  tail(): { lane: string; base: number; entries: Placed[] }[] {
    return [...this.#log.lanes].map(([lane, log]) => ({ lane, base: log.base, entries: log.after(log.base) }))
  }

  append(attempt: number, lane: string, offset: number, entry: Entry): TurnOutcome {
    if (!this.#takesWords) return attempt > this.#state.attempt ? 'early' : 'stale'
    if (this.#isCrowdedFor(lane)) return 'crowded'
    if (attempt === this.loggedAttempt && this.#hasNoRoomFor(lane, offset, entry)) {
      this.#refusals.noteFull(lane)
      return 'full'
    }
    const outcome = this.#add(attempt, lane, offset, entry)
    if (outcome !== 'gap') this.#refusals.goesOn(lane)
    return outcome
  }

  /** For a plain drone, which has no positions: at the end of the lane, and never refused for want of room. */
  appendNext(lane: string, entry: Entry): TurnOutcome {
    if (!this.#takesWords) return 'stale'
    if (this.#isCrowdedFor(lane)) return 'crowded'
    return this.#add(this.#log.attempt, lane, this.received(lane), entry)
  }

  /** True once per gap: the sender is to be asked to go back. */
  noteGap(lane: string): boolean {
    return this.#refusals.noteGap(lane)
  }

  /** The lanes whose words were refused as `full`, once there is room for them again. */
  takeRefilled(): string[] {
    if (!this.#refusals.anyFull || this.#unstoredBytes > this.#bounds.maxUnstoredBytes / 2) return []
    return this.#refusals.takeFull()
  }

  /** An ended turn changes no more. */
  update(change: TurnChange): void {
    if (this.ended) return
    this.#change(change)
    if (this.ended) this.#log.closeHalves()
    this.#urgent = true
  }

  /** Gives the present attempt up and begins the next; the words it had are stored and stay readable. */
  succeed(change: TurnChange, next: Succession): void {
    this.#log.closeHalves()
    // An attempt that no write names yet was never told to anybody: it is given to somebody else under its number.
    const unwritten = this.#succession === this.#inFlight?.succession ? undefined : this.#succession
    const { reason: _r, usage: _u, incomplete: _i, sideEffects: _s, asks: _a, ...lasting } = this.#state
    this.#state = {
      ...(next.borrows ? this.#state : { ...lasting, toolCallCount: 0 }),
      attempt: this.#state.attempt + (unwritten ? 0 : 1),
    }
    this.#change(change)
    this.#succession = unwritten ? { ...unwritten, borrows: unwritten.borrows && next.borrows } : next
    this.#urgent = true
  }

  /** Everything that is new, as one write that will not change any more; undefined while the last one is under way. */
  freeze(): FlushBatch | undefined {
    if (this.#inFlight || this.#fenced) return undefined
    const succession = this.#succession
    const { partBytes } = this.#bounds
    const lanes = this.#stored.flushes(this.#log, { partBytes, closeAll: succession !== undefined })
    if (lanes.length === 0 && !this.#stateChanged) return undefined
    const nextLanes = succession && this.#handOver(succession, lanes)
    const batch: FlushBatch = {
      turnId: this.turnId,
      attempt: succession ? succession.ended.attempt : this.#state.attempt,
      generation: this.#generation,
      version: this.#version,
      lanes,
      ...(this.#stateChanged ? { state: this.#state } : {}),
      ...(nextLanes ? { nextLanes } : {}),
    }
    this.#inFlight = { batch, succession, bytes: this.#unstoredBytes, waiters: this.#waiters }
    this.#waiters = []
    this.#stateChanged = false
    this.#urgent = false
    return batch
  }

  /** The batch last frozen is durable. */
  committed(): void {
    const done = this.#inFlight
    if (!done) return
    this.#inFlight = undefined
    this.#version += 1
    this.#unstoredBytes -= done.bytes
    const { batch } = done
    if (batch.nextLanes) {
      if (this.#succession === done.succession) this.#succession = undefined
      this.#log.restart(batch.attempt + 1)
      this.#setLanes(batch.nextLanes)
      this.#refusals.clear()
    } else {
      this.#stored.apply(batch.lanes)
      for (const { after } of batch.lanes) this.#log.lane(after.name).forget(after.length)
    }
    for (const waiter of done.waiters) waiter.resolve()
  }

  /** Another owner came first: nothing of this turn may be written here any more. */
  fence(): void {
    this.#fenced = true
    const waiters = [...(this.#inFlight?.waiters ?? []), ...this.#waiters]
    this.#inFlight = undefined
    this.#waiters = []
    for (const waiter of waiters)
      waiter.reject(new RelayError('fenced', `Turn ${this.turnId} has another owner now.`))
  }

  /** Resolves when everything so far is durable; rejects with `fenced` where it never will be. */
  whenStored(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#fenced) reject(new RelayError('fenced', `Turn ${this.turnId} has another owner now.`))
      else if (this.hasUnstored && this.#hasMoreThanInFlight()) this.#waiters.push({ resolve, reject })
      else if (this.#inFlight) this.#inFlight.waiters.push({ resolve, reject })
      else resolve()
    })
  }

  /** Whatever would make the lane longer needs room, also where its beginning is a repeat. */
  #hasNoRoomFor(lane: string, offset: number, entry: Entry): boolean {
    if (this.#unstoredBytes <= this.#bounds.maxUnstoredBytes) return false
    return offset + lengthOf(entry) > this.received(lane)
  }

  get #takesWords(): boolean {
    return this.#state.status === 'processing' && !this.#succession && !this.#fenced
  }

  #add(attempt: number, lane: string, offset: number, entry: Entry): Outcome {
    const openMode = this.#log.lanes.get(lane)?.openMode
    const outcome = this.#log.append(attempt, lane, offset, entry)
    if (outcome !== 'accepted') return outcome
    const bytes = bytesOf({ offset, entry })
    this.#unstoredBytes += bytes
    this.#size.bytes += bytes - ENTRY_OVERHEAD_BYTES
    if (entry.kind !== 'text' || (openMode !== undefined && openMode !== entry.mode)) this.#urgent = true
    if (entry.kind === 'text' ? openMode !== entry.mode : entry.kind === 'call') this.#size.blocks += 1
    if (entry.kind === 'call') this.#called(entry, lane)
    return outcome
  }

  #called(call: CallEntry, lane: string): void {
    if (lane === '') this.#change({ toolCallCount: this.#state.toolCallCount + 1 })
    if (!this.#state.sideEffects && hasSideEffects(call)) this.#change({ sideEffects: true })
  }

  /** Names of lanes are a peer's invention: each costs memory here and room in the header. */
  #isCrowdedFor(lane: string): boolean {
    const { lanes } = this.#log
    return !lanes.has(lane) && (lanes.size >= MAX_LANES || this.#refusals.isFullOfNames)
  }

  #hasMoreThanInFlight(): boolean {
    if (!this.#inFlight) return true
    return (
      this.#stateChanged ||
      this.#unstoredBytes > this.#inFlight.bytes ||
      (this.#succession !== undefined && !this.#inFlight.batch.nextLanes)
    )
  }

  #change(change: Partial<TurnState>): void {
    this.#state = { ...this.#state, ...change }
    this.#stateChanged = true
  }

  /** The record of the attempt given up joins the state; the answer is what the next attempt begins with. */
  #handOver(succession: Succession, flushes: readonly LaneFlush[]): StoredLane[] {
    const lanes = this.#stored.with(flushes)
    this.#change({ earlier: [...this.#state.earlier, { ...succession.ended, lanes }] })
    return succession.borrows ? borrowedFrom(succession.ended.attempt, lanes) : []
  }

  #setLanes(lanes: readonly StoredLane[]): void {
    this.#stored.replace(lanes)
    this.#size = {
      bytes: lanes.reduce((sum, { length }) => sum + length, 0),
      blocks: lanes.reduce((sum, { parts }) => sum + parts, 0),
    }
    for (const lane of lanes) this.#log.lane(lane.name, lane.length)
  }
}
