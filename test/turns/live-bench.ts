import { infoOf } from '../../src/turns/session-info.ts'
import { ChatSessions } from '../../src/turns/chat-sessions.ts'
import { LocalFeed } from '../../src/turns/feed.ts'
import type { FeedEvent } from '../../src/turns/feed.ts'
import { LiveTurns } from '../../src/turns/live-turns.ts'
import type { ChatSessionRecord, CommitOutcome, FlushBatch } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

type Commit = (batches: readonly FlushBatch[]) => Promise<CommitOutcome[]>

/** Sessions in memory, by the rules of the store. */
class MemorySessions {
  readonly #sessions = new Map<string, ChatSessionRecord>()

  insertSession(session: ChatSessionRecord): Promise<boolean> {
    if (this.#sessions.has(session.chatSessionId)) return Promise.resolve(false)
    this.#sessions.set(session.chatSessionId, session)
    return Promise.resolve(true)
  }

  readSession(chatSessionId: string): Promise<ChatSessionRecord | undefined> {
    return Promise.resolve(this.#sessions.get(chatSessionId))
  }

  updateSession(session: ChatSessionRecord): Promise<boolean> {
    if (this.#sessions.get(session.chatSessionId)?.version !== session.version - 1)
      return Promise.resolve(false)
    this.#sessions.set(session.chatSessionId, session)
    return Promise.resolve(true)
  }
}

/** The live turns of a relay over a store whose commits a test decides. */
export class LiveBench {
  readonly clock = new FakeClock()
  readonly feed = new LocalFeed()
  readonly errors: unknown[] = []
  readonly sessions = new ChatSessions({ store: new MemorySessions(), feed: this.feed, clock: this.clock })
  readonly turns: LiveTurns

  constructor(commit: Commit, windowBytes = 100_000) {
    this.turns = new LiveTurns({
      store: { commit },
      sessions: this.sessions,
      feed: this.feed,
      clock: this.clock,
      logger: {
        info: () => undefined,
        warn: () => undefined,
        error: (_words, meta) => this.errors.push(meta),
      },
      infoOf: (session) => infoOf({ ofUser: () => [] }, session),
      bounds: { partBytes: 4096, maxUnstoredBytes: windowBytes },
      policy: { maxAttempts: 3, retryPolicy: 'ask' },
      checkpointMs: 500,
      checkpointBytes: 64 * 1024,
    })
  }

  /** All that is told of a chat session from now on. */
  watch(chatSessionId: string): FeedEvent[] {
    const heard: FeedEvent[] = []
    this.feed.subscribe(chatSessionId, (event) => heard.push(event))
    return heard
  }
}

/** The text of the words among `events`. */
export function textOf(events: readonly FeedEvent[]): string {
  return events
    .flatMap((event) => (event.kind === 'words' ? event.placed : []))
    .map(({ entry }) => (entry.kind === 'text' ? entry.text : `<${entry.callId}>`))
    .join('')
}
