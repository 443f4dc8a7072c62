import { isDeepStrictEqual } from 'node:util'
import type { ChatSessionRecord, Page, PageRequest } from '../../turns/turn-store.ts'
import { nameHash } from '../name-hash.ts'
import { parseCursor, printCursor } from '../session-cursor.ts'
import type { Tables } from './tables.ts'

/** Chat sessions, and the order of each user's. What writes is called within a transaction. */
export class SessionTable {
  readonly #file: { readonly tables: Tables }

  constructor(file: { readonly tables: Tables }) {
    this.#file = file
  }

  get #tables(): Tables {
    return this.#file.tables
  }

  insert(session: ChatSessionRecord): boolean {
    const existing = this.read(session.chatSessionId)
    if (existing) return isDeepStrictEqual(existing, session)
    this.#put(session)
    return true
  }

  read(chatSessionId: string): ChatSessionRecord | undefined {
    return this.#tables.sessions.get(nameHash(chatSessionId))
  }

  update(session: ChatSessionRecord): boolean {
    const existing = this.read(session.chatSessionId)
    if (existing?.version !== session.version - 1) return isDeepStrictEqual(existing, session)
    void this.#tables.sessionsByUser.remove(orderKey(existing))
    this.#put(session)
    return true
  }

  ofUser(userId: string, page: PageRequest): Page<ChatSessionRecord> {
    const user = nameHash(userId)
    const after = page.after === undefined ? undefined : parseCursor(page.after)
    if (page.after !== undefined && !after) return { items: [] }
    const start = after ? [user, after.updatedAt, after.key] : [user, Number.POSITIVE_INFINITY]
    const range = { start, end: [user], exclusiveStart: true, reverse: true, limit: page.limit + 1 }
    const keys = [...this.#tables.sessionsByUser.getKeys(range)]
    const shown = keys.slice(0, page.limit)
    const items = shown.flatMap(([, , session]) => this.#tables.sessions.get(session) ?? [])
    const last = shown.at(-1)
    const more = last && keys.length > shown.length
    return { items, ...(more ? { next: printCursor({ updatedAt: last[1], key: last[2] }) } : {}) }
  }

  /** Those in whose queue a message waits, in no order that means anything. */
  withQueue({ after, limit }: PageRequest): Page<ChatSessionRecord> {
    const range = { ...(after === undefined ? {} : { start: after, exclusiveStart: true }), limit }
    const keys = [...this.#tables.sessionsWithQueue.getKeys(range)]
    const next = keys.length < limit ? undefined : keys.at(-1)
    const items = keys.flatMap((key) => this.#tables.sessions.get(key) ?? [])
    return { items, ...(next === undefined ? {} : { next }) }
  }

  #put(session: ChatSessionRecord): void {
    const key = nameHash(session.chatSessionId)
    void this.#tables.sessions.put(key, session)
    if (session.queue.length > 0) void this.#tables.sessionsWithQueue.put(key, true)
    else if (this.#tables.sessionsWithQueue.doesExist(key)) void this.#tables.sessionsWithQueue.remove(key)
    void this.#tables.sessionsByUser.put(orderKey(session), true)
  }
}

function orderKey(session: ChatSessionRecord): [string, number, string] {
  return [nameHash(session.userId), session.updatedAt, nameHash(session.chatSessionId)]
}
