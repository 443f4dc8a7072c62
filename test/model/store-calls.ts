import { RelayError } from '../../src/protocol/errors.ts'
import type { FlushBatch, LaneOwner, TurnStore } from '../../src/turns/turn-store.ts'
import type { MemoryStore } from './memory-store.ts'
import type { Process } from './process.ts'

/** Pieces in which a lane is read: small, so that much happens between two of them. */
const PIECE_ENTRIES = 2

/** What becomes of a call. `late`: its caller is told that nobody knows, and it arrives after all, at some time. */
export const FATES = ['done', 'done, unanswered', 'lost', 'late'] as const
export type Fate = (typeof FATES)[number]

interface Call {
  readonly name: string
  readonly caller: Process
  readonly apply: () => unknown
  answer: { resolve(value: unknown): void; reject(error: Error): void } | undefined
}

/** Calls that change nothing. */
const READS = new Set([
  'readTurn',
  'readLane',
  'readSession',
  'readDrone',
  'listDrones',
  'findMessage',
  'turnsOfSession',
  'sessionsWithQueue',
  'ping',
])

/** What waits for the test's word. */
export type Holding = 'nothing' | 'commits' | 'writes' | 'everything'

type Methods = Record<string, (...args: unknown[]) => unknown>

/** The way between relays and their store: calls that take their time, get lost, or lose their answers. */
export class StoreCalls {
  readonly #store: MemoryStore
  readonly #pending: Call[] = []
  readonly #abandoned = new Set<Process>()
  holding: Holding = 'nothing'
  /** A commit leaves: for doubles that break what has to be right about it. */
  onCommit: (caller: Process, batches: readonly FlushBatch[]) => void = () => undefined

  constructor(store: MemoryStore) {
    this.#store = store
  }

  get pending(): number {
    return this.#pending.length
  }

  /** The store as `caller` has it. */
  of(caller: Process): TurnStore {
    const store = this.#store as unknown as Methods
    const calls: Methods = {
      readLane: (...args) => this.#readLane(caller, args as [LaneOwner, number, number]),
      unfinishedTurns: () => this.#unfinished(caller),
      sessionsWithQueue: () => this.#withQueue(caller),
      ping: () => this.#call(caller, 'ping', () => undefined),
      commit: (batches) => {
        this.onCommit(caller, batches as FlushBatch[])
        // Applied later, it is still what was given: a batch is frozen.
        return this.#call(caller, 'commit', () => this.#store.commit(batches as FlushBatch[]))
      },
    }
    const get = (_: object, name: string): unknown =>
      calls[name] ?? ((...args: unknown[]) => this.#call(caller, name, () => call(store, name, args)))
    return new Proxy({}, { get }) as TurnStore
  }

  /** The fate of one of the calls that wait. */
  settle(index: number, fate: Fate): void {
    const call = this.#pending[index % this.#pending.length]
    if (!call) return
    const { answer } = call
    call.answer = undefined
    if (fate === 'late' && answer) {
      answer.reject(unknown(call.name))
      return
    }
    this.#pending.splice(this.#pending.indexOf(call), 1)
    const value = fate === 'lost' && answer ? undefined : call.apply()
    if (fate === 'done') answer?.resolve(value)
    else answer?.reject(unknown(call.name))
  }

  /**
   * `caller` is dead, or cut off from everything but its commits. What else was on its way has arrived or has not; a
   * commit may arrive long after another has taken its place.
   */
  abandon(caller: Process, hasArrived: boolean): void {
    this.#abandoned.add(caller)
    const abandoned = this.#pending.filter((call) => call.caller === caller && call.name !== 'commit')
    for (const call of abandoned) {
      this.#pending.splice(this.#pending.indexOf(call), 1)
      if (hasArrived) call.apply()
    }
  }

  #call<Value>(caller: Process, name: string, apply: () => Value): Promise<Value> {
    const isAlone = this.#abandoned.has(caller) && name !== 'commit'
    if (!caller.alive || isAlone) return new Promise<Value>(() => undefined)
    if (!this.#isHeld(name)) return Promise.resolve(apply())
    return new Promise<Value>((resolve, reject) => {
      const answer = {
        resolve(value: unknown): void {
          if (caller.alive) resolve(value as Value)
        },
        reject(error: Error): void {
          if (caller.alive) reject(error)
        },
      }
      this.#pending.push({ name, caller, apply, answer })
    })
  }

  #isHeld(name: string): boolean {
    switch (this.holding) {
      case 'nothing':
        return false
      case 'commits':
        return name === 'commit'
      case 'writes':
        return !READS.has(name)
      case 'everything':
        return true
    }
  }

  async *#readLane(caller: Process, [owner, number, from]: [LaneOwner, number, number]) {
    const words = await this.#call(caller, 'readLane', () => this.#store.words(owner, number, from))
    for (let start = 0; start < words.length; start += PIECE_ENTRIES) {
      if (start > 0) await this.#call(caller, 'readLane', () => undefined)
      yield words.slice(start, start + PIECE_ENTRIES)
    }
  }

  async *#withQueue(caller: Process) {
    yield* await this.#call(caller, 'sessionsWithQueue', () => this.#store.withQueue())
  }

  async *#unfinished(caller: Process) {
    yield* await this.#call(caller, 'unfinishedTurns', () => this.#store.unfinished())
  }
}

function call(store: Methods, name: string, args: unknown[]): unknown {
  const method = store[name]
  if (!method) throw new Error(`the model's store does not know ${name}`)
  return method.apply(store, args)
}

function unknown(name: string): RelayError {
  return new RelayError('store_unavailable', `Nobody knows what came of ${name}.`)
}
