import type { CodeDown } from '../protocol/code-down.ts'
import type { LaneHead } from '../protocol/position.ts'
import type { Placed } from './entry.ts'

/** News of a session that is not content; each carries the session's `version` or is live only. */
export type NewsName =
  | 'turn:started'
  | 'turn:steered'
  | 'turn:status'
  | 'session:info'
  | 'queue:changed'
  | 'permission:request'
  | 'permission:resolved'
  | 'session:compacted'

export type LiveName =
  | 'status'
  | 'log'
  | 'workspaceModeChanged'
  | 'usage'
  | 'command:result'
  | 'terminal:opened'
  | 'terminal:exited'

export type News = {
  [Name in NewsName]: {
    readonly kind: 'news'
    readonly name: Name
    readonly payload: Parameters<CodeDown[Name]>[0]
  }
}[NewsName]

export type FeedEvent =
  /** Words at their place in a lane, as they come. */
  | {
      readonly kind: 'words'
      readonly turnId: string
      readonly attempt: number
      readonly lane: string
      readonly placed: readonly Placed[]
    }
  /** The store has everything up to these heads. */
  | {
      readonly kind: 'stored'
      readonly turnId: string
      readonly attempt: number
      readonly heads: readonly LaneHead[]
    }
  | News
  /** For those who watch just now; nobody catches up on it. */
  | { readonly kind: 'live'; readonly name: LiveName; readonly args: readonly unknown[] }

/**
 * What is said of chat sessions, from whoever owns a turn to whoever follows it. In one process an emitter; between
 * nodes it may drop, and a follower sees a gap by position and reads the store.
 */
export interface Feed {
  publish(chatSessionId: string, event: FeedEvent): void
  /** The answer ends the subscription. */
  subscribe(chatSessionId: string, listener: (event: FeedEvent) => void): () => void
  /** Whether anybody follows: what nobody hears need not be cut out. */
  isFollowed(chatSessionId: string): boolean
}

export class LocalFeed implements Feed {
  readonly #listeners = new Map<string, Set<(event: FeedEvent) => void>>()

  publish(chatSessionId: string, event: FeedEvent): void {
    for (const listener of this.#listeners.get(chatSessionId) ?? []) listener(event)
  }

  subscribe(chatSessionId: string, listener: (event: FeedEvent) => void): () => void {
    const listeners = this.#listeners.get(chatSessionId) ?? new Set()
    this.#listeners.set(chatSessionId, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(chatSessionId) === listeners) {
        this.#listeners.delete(chatSessionId)
      }
    }
  }

  isFollowed(chatSessionId: string): boolean {
    return this.#listeners.has(chatSessionId)
  }
}
