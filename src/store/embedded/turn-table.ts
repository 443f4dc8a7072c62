import { isEnd } from '../../protocol/turn-view.ts'
import type { CommitOutcome, FlushBatch, Page, PageRequest, TurnHeader } from '../../turns/turn-store.ts'
import { bytesOf } from '../../turns/parts.ts'
import { decide } from '../decide.ts'
import { nameHash } from '../name-hash.ts'
import { requestOf, stateOf } from '../../turns/header.ts'
import { headerOf } from '../turn-record.ts'
import type { Journal } from './journal.ts'
import { isWordsOnly } from './journaled-turn.ts'
import { lanesOf, progressAfter, progressOf, stampOf, takenOver } from './progress.ts'
import type { Progress } from './progress.ts'
import type { Tables } from './tables.ts'
import { wordOf } from './word.ts'

/** Unfinished turns read at a time: between two such pages the readers of a long list hold no snapshot of the file. */
const UNFINISHED_PAGE = 64

/** Words of one turn, in bytes, that get records of their own at once: through the journal they would be written twice. */
const MUCH_BYTES = 3072

interface OpenFile {
  readonly tables: Tables
  readonly journal: Journal
}

interface Due {
  readonly before: Progress
  readonly batch: FlushBatch
}

/** Headers and their indexes. What writes is called within a transaction. */
export class TurnTable {
  readonly #file: OpenFile

  constructor(file: OpenFile) {
    this.#file = file
  }

  get #tables(): Tables {
    return this.#file.tables
  }

  insert(header: TurnHeader): TurnHeader {
    const { requests, turns, states, messages, turnsBySession, unfinished } = this.#tables
    const message = nameHash(header.userId, header.messageId)
    const known = messages.get(message)
    const existing = known === undefined ? undefined : this.read(known)
    if (existing) return existing
    const { turnId, createdAt } = header
    if (turns.doesExist(turnId)) throw new Error(`turn ${turnId} is there with another message`)
    void requests.put(turnId, requestOf(header))
    void turns.put(turnId, progressOf(header))
    void states.put(turnId, stateOf(header))
    void messages.put(message, turnId)
    void turnsBySession.put([nameHash(header.chatSessionId), createdAt, turnId], true)
    if (!isEnd(header.status)) void unfinished.put([createdAt, turnId], true)
    return { ...header, lanes: header.lanes.map((lane) => ({ ...lane, open: [] })) }
  }

  read(turnId: string): TurnHeader | undefined {
    const progress = this.#progressOf(turnId)
    const state = this.#tables.states.get(turnId)
    const request = this.#tables.requests.get(turnId)
    if (!progress || !state || !request) return undefined
    const [generation, version, , , node] = progress
    return headerOf(request, { state, generation, version, node, lanes: lanesOf(progress) })
  }

  commit(batches: readonly FlushBatch[]): CommitOutcome[] {
    const words: Due[] = []
    const outcomes = batches.map((batch) => this.#commitOne(batch, words))
    this.#file.journal.write(words)
    this.#file.journal.tidy()
    return outcomes
  }

  takeOver(turnId: string, generation: number, node: string): TurnHeader | undefined {
    this.#file.journal.settle(turnId)
    const progress = this.#tables.turns.get(turnId)
    if (!progress || isEnd(stampOf(progress).status)) return undefined
    if (stampOf(progress).generation !== generation)
      return this.#heldBy(progress, turnId, generation + 1, node)
    void this.#tables.turns.put(turnId, takenOver(progress, node))
    return this.read(turnId)
  }

  reopen(turnId: string, generation: number, node: string): TurnHeader | undefined {
    const { turns, states, requests, unfinished } = this.#tables
    this.#file.journal.settle(turnId)
    const progress = turns.get(turnId)
    const state = states.get(turnId)
    const request = requests.get(turnId)
    if (!progress || !state || !request) return undefined
    if (stampOf(progress).generation !== generation)
      return this.#heldBy(progress, turnId, generation + 1, node)
    if (state.status !== 'failed' && state.status !== 'aborted') return undefined
    const { endedAt: _endedAt, ...others } = state
    void turns.put(turnId, takenOver(progress, node, 'recovering'))
    void states.put(turnId, { ...others, status: 'recovering' })
    void unfinished.put([request.createdAt, turnId], true)
    return this.read(turnId)
  }

  ofSession(chatSessionId: string, page: PageRequest): Page<TurnHeader> {
    const session = nameHash(chatSessionId)
    const after = page.after === undefined ? undefined : this.#tables.requests.get(page.after)
    if (page.after !== undefined && after?.chatSessionId !== chatSessionId) return { items: [] }
    const start = after ? [session, after.createdAt, after.turnId] : [session, Number.POSITIVE_INFINITY]
    const range = {
      start,
      end: [session],
      exclusiveStart: true,
      reverse: true,
      limit: page.limit + 1,
    }
    const ids = [...this.#tables.turnsBySession.getKeys(range)].map(([, , turnId]) => turnId)
    const items = ids.slice(0, page.limit).flatMap((turnId) => this.read(turnId) ?? [])
    const last = ids[page.limit - 1]
    return { items, ...(ids.length > page.limit && last !== undefined ? { next: last } : {}) }
  }

  *unfinished(): Generator<TurnHeader[]> {
    let start: [number, string] | undefined
    for (;;) {
      const range = { limit: UNFINISHED_PAGE, ...(start ? { start, exclusiveStart: true } : {}) }
      const keys = [...this.#tables.unfinished.getKeys(range)]
      yield keys.flatMap(([, turnId]) => this.read(turnId) ?? [])
      if (keys.length < UNFINISHED_PAGE) return
      start = keys.at(-1)
    }
  }

  findMessage(userId: string, messageId: string): TurnHeader | undefined {
    const turnId = this.#tables.messages.get(nameHash(userId, messageId))
    return turnId === undefined ? undefined : this.read(turnId)
  }

  noteMessage(userId: string, messageId: string, turnId: string): void {
    const { messages } = this.#tables
    const message = nameHash(userId, messageId)
    if (!messages.doesExist(message)) void messages.put(message, turnId)
  }

  /** A takeover made again: it is there already, and is this caller's own. */
  #heldBy(progress: Progress, turnId: string, generation: number, node: string): TurnHeader | undefined {
    const [heldIn, , , status, heldBy] = progress
    return heldIn === generation && heldBy === node && !isEnd(status) ? this.read(turnId) : undefined
  }

  /** As the tables have it, or the journal further. */
  #progressOf(turnId: string): Progress | undefined {
    return this.#file.journal.find(turnId)?.progress ?? this.#tables.turns.get(turnId)
  }

  /** What only says more words is left for the journal, unless it says much. */
  #commitOne(batch: FlushBatch, forJournal: Due[]): CommitOutcome {
    const { turns, states, words } = this.#tables
    const { turnId, state } = batch
    const before = this.#progressOf(turnId)
    const decision = decide(batch, before && stampOf(before))
    if (!before || decision !== 'due') return decision === 'committed' ? 'committed' : 'fenced'
    if (isWordsOnly(batch) && !isMuch(batch)) {
      forJournal.push({ before, batch })
      return 'committed'
    }
    this.#file.journal.settle(turnId)
    for (const lane of batch.lanes) {
      for (const { offset, entry } of lane.fresh)
        void words.put([turnId, batch.attempt, lane.number, offset], wordOf(entry))
    }
    void turns.put(turnId, progressAfter(before, batch))
    if (state) void states.put(turnId, stateOf(state))
    if (state && isEnd(state.status)) this.#ended(turnId)
    return 'committed'
  }

  #ended(turnId: string): void {
    const { requests, unfinished, unindexed } = this.#tables
    const request = requests.get(turnId)
    if (request) void unfinished.remove([request.createdAt, turnId])
    void unindexed.put(turnId, true)
  }
}

function isMuch({ lanes }: FlushBatch): boolean {
  let bytes = 0
  for (const { fresh } of lanes) for (const word of fresh) bytes += bytesOf(word)
  return bytes >= MUCH_BYTES
}
