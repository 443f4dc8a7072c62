import type { LaneHead, Position } from '../../src/protocol/position.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import type { EndStatus, TurnStatus } from '../../src/protocol/turn-view.ts'
import type { TurnRecord } from '../../src/store/turn-record.ts'
import type { FlushBatch, LaneOwner, TurnHeader } from '../../src/turns/turn-store.ts'
import { kept, unitsOf } from '../turns/lane-model.ts'
import type { Unit } from '../turns/lane-model.ts'
import type { MemoryStore } from './memory-store.ts'

/** A promise of the relay that was broken. Its message begins with the invariant's name. */
export class Broken extends Error {}

function promise(isKept: boolean, name: string, what: () => string): void {
  if (!isKept) throw new Broken(`${name}: ${what()}`)
}

type Head = { readonly turnId: string; readonly attempt: number; readonly lane?: string | undefined }

function key({ turnId, attempt, lane = '' }: Head): string {
  return `${turnId} ${attempt} ${lane}`
}

/**
 * What was said and what was promised of it, beside what the store holds: reliability.md, I1 to I3. It knows nothing of
 * how words travel.
 */
export class Promises {
  readonly #store: MemoryStore
  readonly #said = new Map<string, Unit[]>()
  readonly #acknowledged = new Map<string, Head & { readonly offset: number }>()
  readonly #lengths = new Map<string, number>()
  readonly #offered = new Map<string, string>()
  readonly #ends = new Map<string, TurnStatus>()
  readonly #sent = new Map<string, string>()
  #checkedAt = -1

  constructor(store: MemoryStore) {
    this.#store = store
    store.onApplied = (batch, before) => this.#applied(batch, before)
  }

  /** A drone says this next in its lane. */
  say(at: Head, units: readonly Unit[]): void {
    const said = this.#said.get(key(at)) ?? []
    said.push(...units)
    this.#said.set(key(at), said)
  }

  said(at: Head): readonly Unit[] {
    return this.#said.get(key(at)) ?? []
  }

  /** Whether `units` are what was said first, as a lane keeps it. */
  isPrefix(at: Head, units: readonly Unit[]): boolean {
    const said = this.said(at)
    return units.length <= said.length && isSame(kept(said.slice(0, units.length)), units)
  }

  /** An order for one attempt goes to one process only. */
  offer(at: Head, instanceId: string): void {
    const before = this.#offered.get(key(at)) ?? instanceId
    promise(before === instanceId, 'I3', () => `attempt ${at.attempt} went to ${before} and to ${instanceId}`)
    this.#offered.set(key(at), instanceId)
  }

  /** The relay says that it has stored this much. */
  acknowledge(at: Position): void {
    const { turnId, attempt, lane = '' } = at
    const offset = Math.max(at.offset, this.#acknowledged.get(key(at))?.offset ?? 0)
    this.#acknowledged.set(key(at), { turnId, attempt, lane, offset })
    this.#checkAcknowledged({ turnId, attempt, lane, offset })
  }

  /** The relay says that a turn has ended, at these heads. */
  end(turnId: string, status: EndStatus, heads: readonly LaneHead[] | undefined): void {
    const header = this.#header(turnId)
    const before = this.#ends.get(turnId) ?? status
    promise(before === status, 'I4', () => `one end is told as ${before} and as ${status}`)
    promise(header.status === status, 'I4', () => `${status} is told of a turn stored as ${header.status}`)
    for (const { lane, offset } of heads ?? []) {
      const stored = header.lanes.find(({ name }) => name === lane)?.length
      promise(offset === stored, 'I4', () => `an end is told at ${offset} where ${stored} are stored`)
    }
    this.#ends.set(turnId, status)
  }

  completed(turnId: string): void {
    const { status } = this.#header(turnId)
    promise(isEnd(status), 'I1', () => `a completion is acknowledged of a turn stored as ${status}`)
    this.#ends.set(turnId, status)
  }

  /** A message was answered: its turn is there for ever. */
  sent(messageId: string, turnId: string): void {
    this.#header(turnId)
    const before = this.#sent.get(messageId) ?? turnId
    promise(before === turnId, 'I1', () => `one message made two turns`)
    this.#sent.set(messageId, turnId)
  }

  /** Everything promised so far, against what the store has now. */
  check(): void {
    if (this.#checkedAt === this.#store.changes) return
    this.#checkedAt = this.#store.changes
    for (const header of this.#store.all()) {
      for (const owner of attemptsOf(header)) this.#checkOwner(owner)
    }
    for (const head of this.#acknowledged.values()) this.#checkAcknowledged(head)
    for (const turnId of this.#sent.values()) this.#header(turnId)
    for (const [turnId, end] of this.#ends) {
      const { status } = this.#header(turnId)
      promise(status === end, 'I1', () => `a turn that ended as ${end} is ${status}`)
    }
  }

  /** A lane's words in the store, as units. */
  stored(owner: LaneOwner, number: number): Unit[] {
    return unitsOf(this.#store.words(owner, number, 0), 0)
  }

  #checkOwner(owner: LaneOwner): void {
    for (const [number, { name, length }] of owner.lanes.entries()) {
      const at = { turnId: owner.turnId, attempt: owner.attempt, lane: name }
      const where = `attempt ${owner.attempt}, lane '${name}'`
      let units: Unit[] = []
      try {
        units = this.stored(owner, number)
      } catch (error) {
        throw new Broken(`I2: ${where}: ${String(error)}`)
      }
      promise(units.length === length, 'I2', () => `${where} has a hole: ${units.length} of ${length}`)
      promise(this.isPrefix(at, units), 'I2', () => {
        return `${where} holds ${units.join(' ')}, said was ${this.said(at).join(' ')}`
      })
      const before = this.#lengths.get(key(at)) ?? 0
      promise(length >= before, 'I1', () => `${where} had ${before} and has ${length}`)
      this.#lengths.set(key(at), length)
    }
  }

  #checkAcknowledged(head: Head & { readonly offset: number }): void {
    const { turnId, attempt, lane, offset } = head
    const owner = attemptsOf(this.#header(turnId)).find((one) => one.attempt === attempt)
    const stored = owner?.lanes.find(({ name }) => name === lane)?.length ?? 0
    promise(
      stored >= offset,
      'I1',
      () => `${offset} were acknowledged, ${stored} are stored (lane '${lane}')`,
    )
  }

  #applied(batch: FlushBatch, before: TurnRecord): void {
    const { attempt, status } = before.state
    promise(batch.attempt === attempt, 'I3', () => `attempt ${batch.attempt} writes in attempt ${attempt}`)
    promise(!isEnd(status), 'I3', () => 'an ended turn is written to')
  }

  #header(turnId: string): TurnHeader {
    const header = this.#store.readTurn(turnId)
    if (!header) throw new Broken('I1: a turn that was told of is not stored')
    return header
  }
}

function attemptsOf(header: TurnHeader): LaneOwner[] {
  return [header, ...header.earlier.map((earlier) => ({ turnId: header.turnId, ...earlier }))]
}

export function isSame(some: readonly Unit[], others: readonly Unit[]): boolean {
  return some.length === others.length && some.every((unit, index) => unit === others[index])
}
