import { CodeClient } from '../../src/client/code-client.ts'
import type { SessionChange, ViewedSession } from '../../src/client/viewed-session.ts'
import type { ViewedTurn } from '../../src/client/viewed-turn.ts'
import type { ToldAttempt } from './checker.ts'
import { blockOf } from './reader.ts'

export interface ViewerOptions {
  readonly name: string
  readonly url: string
  readonly key: string
  /** A session was brought up to date after a join. */
  readonly onResumed?: (chatSessionId: string) => void
  readonly onChange?: (chatSessionId: string, change: SessionChange) => void
}

/** One IDE client of our SDK, and what it holds. */
export class Viewer {
  readonly name: string
  readonly client: CodeClient
  readonly #options: ViewerOptions
  readonly #views = new Map<string, ViewedSession>()

  constructor(options: ViewerOptions) {
    this.#options = options
    this.name = options.name
    this.client = new CodeClient({ url: options.url, token: options.key })
  }

  /** Joins; it may be closed while it still tries. */
  async watch(chatSessionId: string): Promise<void> {
    const view = await this.client.watch(chatSessionId, this.listener(chatSessionId))
    this.holds(chatSessionId, view)
  }

  holds(chatSessionId: string, view: ViewedSession): void {
    this.#views.set(chatSessionId, view)
  }

  listener(chatSessionId: string): (change: SessionChange) => void {
    const { onResumed, onChange } = this.#options
    return (change) => {
      onChange?.(chatSessionId, change)
      if (change.kind === 'resumed') onResumed?.(chatSessionId)
    }
  }

  get sessions(): readonly string[] {
    return [...this.#views.keys()]
  }

  /** Whether older turns of the session are only there over HTTP. */
  hasMore(chatSessionId: string): boolean {
    return this.#views.get(chatSessionId)?.more ?? false
  }

  turnsOf(chatSessionId: string): ToldAttempt[] {
    return (this.#views.get(chatSessionId)?.turns ?? []).map(toldOf)
  }

  turn(chatSessionId: string, turnId: string): ToldAttempt | undefined {
    const turn = this.#views.get(chatSessionId)?.turn(turnId)
    return turn && toldOf(turn)
  }

  close(): void {
    this.client.close()
  }
}

function toldOf(turn: ViewedTurn): ToldAttempt {
  const lanes = turn.heads().map(({ lane, offset }) => ({
    lane,
    units: offset,
    blocks: turn.blocks(lane).map(blockOf),
  }))
  const { turnId, attempt, status, reason } = turn
  return { turnId, attempt, status, reason, lanes }
}
