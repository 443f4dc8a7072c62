import { endOf, lengthOf } from '../../src/turns/entry.ts'
import type { Entry, Placed } from '../../src/turns/entry.ts'
import type {
  FlushBatch,
  LaneFlush,
  LaneOwner,
  StoredLane,
  TurnHeader,
  TurnState,
  TurnStore,
} from '../../src/turns/turn-store.ts'

/** A queued turn without words. */
export function aTurn(fields: Partial<TurnHeader> = {}): TurnHeader {
  const turnId = fields.turnId ?? 'turn-1'
  return {
    turnId,
    chatSessionId: 'chat 😀 “one”',
    userId: 'ann',
    messageId: `message of ${turnId}`,
    prompt: 'Do it.',
    createdAt: 1_000,
    attempt: 1,
    status: 'queued',
    toolCallCount: 0,
    earlier: [],
    generation: 1,
    version: 0,
    node: 'node-a',
    lanes: [],
    ...fields,
  }
}

export function say(text: string, mode: 'thinking' | 'responding' = 'responding'): Entry {
  return { kind: 'text', mode, text, createdAt: 5 }
}

export interface LaneWords {
  /** The turn's own lane unless said. */
  readonly number?: number
  readonly name?: string
  readonly entries?: readonly Entry[]
  /** All words so far become a part. */
  readonly close?: boolean
}

/** What a flusher would make of these words, on top of `header`. */
export function batchOf(
  header: TurnHeader,
  lanes: readonly LaneWords[],
  state?: Partial<TurnState>,
): FlushBatch {
  const { turnId, attempt, generation, version } = header
  return {
    turnId,
    attempt,
    generation,
    version,
    lanes: lanes.map((lane) => laneFlush(header, lane)),
    ...(state ? { state: { ...stateOf(header), ...state } } : {}),
  }
}

function laneFlush(
  header: TurnHeader,
  { number = 0, name, entries = [], close = false }: LaneWords,
): LaneFlush {
  const before = header.lanes[number] ?? emptyLane(name ?? (number === 0 ? '' : `agent ${number}`))
  const fresh = placedFrom(before.length, entries)
  const open = [...before.open, ...fresh]
  const closed = close && open.length > 0 ? [{ index: before.parts, entries: open }] : []
  const last = fresh.at(-1)
  const length = last ? endOf(last) : before.length
  const after = { ...before, length, parts: before.parts + closed.length, open: close ? [] : open }
  return { number, fresh, closed, after }
}

/** Gives up the attempt: what is open is closed, and the next begins empty or with the words there are. */
export function nextAttempt(header: TurnHeader, keepWords = false): FlushBatch {
  const lanes = header.lanes.map((_, number) => laneFlush(header, { number, close: true }))
  const kept = lanes.map((lane) => lane.after)
  const given = {
    attempt: header.attempt,
    reason: 'crashed',
    acknowledged: true,
    droneId: 'd',
    startedAt: 1,
    endedAt: 2,
  }
  return {
    ...batchOf(header, []),
    lanes,
    state: {
      ...stateOf(header),
      attempt: header.attempt + 1,
      earlier: [...header.earlier, { ...given, lanes: kept }],
    },
    nextLanes: keepWords ? kept.map((lane) => borrow(lane, header.attempt)) : [],
  }
}

function borrow(lane: StoredLane, attempt: number): StoredLane {
  const { parts, length } = lane
  return { ...lane, borrowed: [...lane.borrowed, { attempt, parts, length }] }
}

export function emptyLane(name: string): StoredLane {
  return { name, length: 0, parts: 0, open: [], borrowed: [] }
}

export function placedFrom(start: number, entries: readonly Entry[]): Placed[] {
  let offset = start
  return entries.map((entry) => {
    const placed = { offset, entry }
    offset += lengthOf(entry)
    return placed
  })
}

function stateOf({ attempt, status, toolCallCount, earlier }: TurnHeader): TurnState {
  return { attempt, status, toolCallCount, earlier }
}

export async function commitOne(store: TurnStore, batch: FlushBatch): Promise<string | undefined> {
  const [outcome] = await store.commit([batch])
  return outcome
}

/** Commits and reads the header that came of it. */
export async function committed(store: TurnStore, batch: FlushBatch): Promise<TurnHeader> {
  const outcome = await commitOne(store, batch)
  if (outcome !== 'committed') throw new Error(`expected the batch to be committed, it was ${outcome}`)
  return existing(store, batch.turnId)
}

export async function existing(store: TurnStore, turnId: string): Promise<TurnHeader> {
  const header = await store.readTurn(turnId)
  if (!header) throw new Error(`turn ${turnId} is not there`)
  return header
}

export async function wordsOf(store: TurnStore, owner: LaneOwner, number = 0, from = 0): Promise<Placed[]> {
  const words: Placed[] = []
  for await (const piece of store.readLane(owner, number, from)) words.push(...piece)
  return words
}

/** The text of a lane; throws at a hole or an overlap. Calls and results show as one character each. */
export function textOf(words: readonly Placed[], from = 0): string {
  let text = ''
  for (const placed of words) {
    if (placed.offset !== from + text.length)
      throw new Error(`expected ${from + text.length}, got ${placed.offset}`)
    text += placed.entry.kind === 'text' ? placed.entry.text : placed.entry.kind === 'call' ? '!' : '?'
  }
  return text
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}
