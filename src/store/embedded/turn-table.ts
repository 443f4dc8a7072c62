import { isEnd } from '../../protocol/turn-view.ts'
import type { CommitOutcome, FlushBatch, Page, PageRequest, TurnHeader } from '../../turns/turn-store.ts'
import { decide } from '../decide.ts'
import { nameHash } from '../name-hash.ts'
import { afterBatch, headerOf, recordOf, requestOf } from '../turn-record.ts'
import type { TurnRecord } from '../turn-record.ts'
import type { Tables } from './tables.ts'
import { wordOf } from './word.ts'

/** Unfinished turns read at a time: between two such pages the readers of a long list hold no snapshot of the file. */
const UNFINISHED_PAGE = 64

/** Headers and their indexes. What writes is called within a transaction. */
export class TurnTable {
  readonly #tables: Tables

  constructor(tables: Tables) {
    this.#tables = tables
  }

  insert(header: TurnHeader): TurnHeader {
    const { requests, turns, messages, turnsBySession, unfinished } = this.#tables
    const message = nameHash(header.userId, header.messageId)
    const known = messages.get(message)
    const existing = known === undefined ? undefined : this.read(known)
    if (existing) return existing
    const { turnId, createdAt } = header
    if (turns.doesExist(turnId)) throw new Error(`turn ${turnId} is there with another message`)
    void requests.put(turnId, requestOf(header))
    void turns.put(turnId, withoutOpen(recordOf(header)))
    void messages.put(message, turnId)
    void turnsBySession.put([nameHash(header.chatSessionId), createdAt, turnId], true)
    if (!isEnd(header.status)) void unfinished.put([createdAt, turnId], true)
    return withoutOpen(header)
  }

  read(turnId: string): TurnHeader | undefined {
    const record = this.#tables.turns.get(turnId)
    const request = this.#tables.requests.get(turnId)
    return record && request && headerOf(request, record)
  }

  commit(batches: readonly FlushBatch[]): CommitOutcome[] {
    return batches.map((batch) => this.#commitOne(batch))
  }

  takeOver(turnId: string, generation: number, node: string): TurnHeader | undefined {
    const record = this.#tables.turns.get(turnId)
    if (!record || isEnd(record.state.status)) return undefined
    if (record.generation === generation)
      void this.#tables.turns.put(turnId, { ...record, generation: generation + 1, node })
    // The same call made again: the takeover is there already, and is this caller's own.
    else if (record.generation !== generation + 1 || record.node !== node) return undefined
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

  #commitOne(batch: FlushBatch): CommitOutcome {
    const { turns, words } = this.#tables
    const { turnId } = batch
    const before = turns.get(turnId)
    const decision = decide(batch, before && { ...before.state, ...before })
    if (!before || decision !== 'due') return decision === 'committed' ? 'committed' : 'fenced'
    for (const lane of batch.lanes) {
      for (const { offset, entry } of lane.fresh)
        void words.put([turnId, batch.attempt, lane.number, offset], wordOf(entry))
    }
    const after = withoutOpen(afterBatch(before, batch))
    void turns.put(turnId, after)
    if (isEnd(after.state.status)) this.#leaveUnfinished(turnId)
    return 'committed'
  }

  #leaveUnfinished(turnId: string): void {
    const request = this.#tables.requests.get(turnId)
    if (request) void this.#tables.unfinished.remove([request.createdAt, turnId])
  }
}

/** Every word is a record of its own here, so the copy that follows the last part would be a second one. */
function withoutOpen<T extends Pick<TurnRecord, 'lanes'>>(record: T): T {
  return { ...record, lanes: record.lanes.map((lane) => ({ ...lane, open: [] })) }
}
