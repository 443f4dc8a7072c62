import { RelayError } from '../protocol/errors.ts'
import type { SessionView } from '../protocol/turn-view.ts'
import type { Clock } from './clock.ts'
import type { Feed, News } from './feed.ts'
import { pick } from './header.ts'
import type { ChatSessionRecord, TurnStore } from './turn-store.ts'
import { untilStored } from './until-stored.ts'
import { sessionUsageView } from './usage.ts'

type Sessions = Pick<TurnStore, 'insertSession' | 'readSession' | 'updateSession'>
type Changeable = Omit<ChatSessionRecord, 'chatSessionId' | 'userId' | 'version' | 'createdAt' | 'updatedAt'>
/** What becomes of a session's fields; undefined takes one away. */
export type SessionChange = { readonly [Field in keyof Changeable]?: Changeable[Field] | undefined }

/** The changes that may be made while a session is held: of what has happened already, as by `announce`. */
export interface Exclusive {
  announce(
    change: (session: ChatSessionRecord) => SessionChange,
    news: (session: ChatSessionRecord) => News,
  ): Promise<void>
}

interface ChatSessionsOptions {
  readonly store: Sessions
  readonly feed: Feed
  readonly clock: Clock
  /** Beside those who watch the session. */
  readonly onNews?: (session: ChatSessionRecord, news: News) => void
}

/**
 * The conversations. Every change that is not content counts `version` up and is told with it, by one event and one
 * change of a session at a time: a viewer that sees a number left out knows that it has missed something.
 */
export class ChatSessions {
  readonly #options: ChatSessionsOptions
  readonly #last = new Map<string, Promise<unknown>>()
  #closed = false

  constructor(options: ChatSessionsOptions) {
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Nothing is told any more: the relay has stopped, and whoever joins the next one is told by its answer. */
  close(): void {
    this.#closed = true
  }

  /** The session, if it is this user's; what is somebody else's answers like what is not there. */
  async of(userId: string, chatSessionId: string): Promise<ChatSessionRecord> {
    const session = await this.#options.store.readSession(chatSessionId)
    if (!session || session.userId !== userId) {
      throw new RelayError('not_found', `There is no chat session ${chatSessionId}.`)
    }
    return session
  }

  /** The session, made where nobody has one of that id. */
  async findOrMake(userId: string, chatSessionId: string, change: SessionChange): Promise<ChatSessionRecord> {
    const { store, clock } = this.#options
    const found = await store.readSession(chatSessionId)
    if (!found) {
      const now = clock.now()
      const empty = { chatSessionId, userId, queue: [], version: 1, createdAt: now, updatedAt: now }
      const session = changed(empty, change)
      if (await store.insertSession(session)) return session
    }
    return this.of(userId, chatSessionId)
  }

  /**
   * Changes a session and tells its viewers. `change` sees the record as stored and may answer undefined to leave it,
   * or throw; `news` is made from the record as changed. Fails only as `change` fails, or with `store_unavailable`.
   */
  change(
    chatSessionId: string,
    change: (session: ChatSessionRecord) => SessionChange | undefined,
    news?: (session: ChatSessionRecord) => News,
  ): Promise<ChatSessionRecord | undefined> {
    return this.#inOrder(chatSessionId, async () => {
      const session = await this.#write(chatSessionId, change)
      if (session && news) this.#publish(session, news(session))
      return session
    })
  }

  /** As `change`, for what has happened already: it is told however long the store is away. */
  announce(
    chatSessionId: string,
    change: (session: ChatSessionRecord) => SessionChange,
    news: (session: ChatSessionRecord) => News,
  ): Promise<void> {
    return this.#inOrder(chatSessionId, async () => {
      await this.#announce(chatSessionId, change, news)
    })
  }

  #announce(
    chatSessionId: string,
    change: (session: ChatSessionRecord) => SessionChange,
    news: (session: ChatSessionRecord) => News,
  ): Promise<boolean> {
    const isClosed = (): boolean => this.#closed
    return untilStored(this.#options.clock, isClosed, async () => {
      const session = await this.#write(chatSessionId, change)
      if (session) this.#publish(session, news(session))
    })
  }

  #publish(session: ChatSessionRecord, news: News): void {
    this.#options.feed.publish(session.chatSessionId, news)
    this.#options.onNews?.(session, news)
  }

  async #write(
    chatSessionId: string,
    change: (session: ChatSessionRecord) => SessionChange | undefined,
  ): Promise<ChatSessionRecord | undefined> {
    for (;;) {
      const session = await this.#options.store.readSession(chatSessionId)
      const changes = session && change(session)
      if (!session || !changes) return undefined
      const counted = { ...session, version: session.version + 1, updatedAt: this.#options.clock.now() }
      const next = changed(counted, changes)
      if (await this.#options.store.updateSession(next)) return next
    }
  }

  /** Runs `task` while no other change of the session does; what it changes of the session itself, it may. */
  exclusively<Result>(
    chatSessionId: string,
    task: (sessions: Exclusive) => Promise<Result>,
  ): Promise<Result> {
    const exclusive: Exclusive = {
      announce: async (change, news) => {
        if (await this.#announce(chatSessionId, change, news)) return
        throw new RelayError('draining', 'The relay stopped before its store answered.')
      },
    }
    return this.#inOrder(chatSessionId, () => task(exclusive))
  }

  #inOrder<Result>(chatSessionId: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(chatSessionId) ?? Promise.resolve()
    const result = before.then(task)
    const settled = result.catch(() => undefined)
    this.#last.set(chatSessionId, settled)
    void settled.then(() => {
      if (this.#last.get(chatSessionId) === settled) this.#last.delete(chatSessionId)
    })
    return result
  }
}

function changed(session: ChatSessionRecord, change: SessionChange): ChatSessionRecord {
  const entries = Object.entries({ ...session, ...change }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as unknown as ChatSessionRecord
}

/** A session as its user sees it; `status` is that of its live turn. */
export function viewOfSession(session: ChatSessionRecord, status: SessionView['status']): SessionView {
  return {
    chatSessionId: session.chatSessionId,
    user: session.userId,
    status,
    createdAt: new Date(session.createdAt).toISOString(),
    updatedAt: new Date(session.updatedAt).toISOString(),
    ...pick(session, 'title', 'workspaceId', 'droneId', 'model', 'provider', 'thinkingLevel', 'agent'),
    ...pick(session, 'routing', 'liveTurnId'),
    ...(session.usage ? { usage: sessionUsageView(session.usage) } : {}),
  }
}
