import type { Clock } from './clock.ts'
import type { Turn } from './turn.ts'
import type { FlushBatch, TurnStore } from './turn-store.ts'

/** First and longest wait before a commit of unknown outcome is made again. */
const RETRY_FIRST_MS = 50
const RETRY_LONGEST_MS = 1000

/** Turns in one commit: bounds how long the last of them waits for the first. */
const MAX_TURNS_PER_COMMIT = 1000

interface Logger {
  warn(message: string, meta?: object): void
  error(message: string, meta?: object): void
}

interface FlusherOptions {
  readonly store: Pick<TurnStore, 'commit'>
  readonly clock: Clock
  readonly logger: Logger
  /** How long words may wait to be stored while their block is still open. */
  readonly checkpointMs: number
  /** Words of one turn that are stored without waiting. */
  readonly checkpointBytes: number
  /** A commit is durable. Called before the next one begins. */
  readonly onCommitted: (turn: Turn, batch: FlushBatch) => void
  readonly onFenced: (turn: Turn) => void
}

/**
 * Takes what is new of all turns to the store: one frozen batch a turn, one commit for all of them, one commit at a
 * time. While a commit is under way the rest gathers, so a slow store gets larger commits and not more of them.
 */
export class Flusher {
  readonly #options: FlusherOptions
  readonly #dirty = new Set<Turn>()
  #cancelTimer: (() => void) | undefined
  #cancelRetry: (() => void) | undefined
  #closed = false
  #soon = false
  #committing: Promise<void> | undefined
  #failures = 0

  constructor(options: FlusherOptions) {
    this.#options = options
  }

  /** The store answers at present. */
  get healthy(): boolean {
    return this.#failures === 0
  }

  /** Something of `turn` is new. It is stored at once where a block ended or much has gathered, else within `checkpointMs`. */
  touch(turn: Turn): void {
    this.#dirty.add(turn)
    if (turn.urgent || turn.unstoredBytes >= this.#options.checkpointBytes) this.#flushSoon()
    else this.#cancelTimer ??= this.#options.clock.after(this.#options.checkpointMs, () => this.#flushSoon())
  }

  /** No commit is made any more: what is not stored by now, the drones have. */
  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
    this.#cancelRetry?.()
  }

  /** Resolves when all that was touched before is stored; a store that is away makes it wait. */
  async settle(): Promise<void> {
    while (this.#dirty.size > 0 || this.#committing) {
      this.#flushSoon()
      await (this.#committing ?? Promise.resolve())
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  #flushSoon(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#soon || this.#committing) {
      this.#soon = true
      return
    }
    this.#soon = true
    // What arrived in the same read of other sockets joins this commit.
    setImmediate(() => this.#begin())
  }

  #begin(): void {
    if (this.#committing || this.#closed) return
    this.#soon = false
    const turns: Turn[] = []
    const batches: FlushBatch[] = []
    for (const turn of this.#dirty) {
      if (turns.length >= MAX_TURNS_PER_COMMIT) break
      this.#dirty.delete(turn)
      const batch = turn.freeze()
      if (!batch) continue
      turns.push(turn)
      batches.push(batch)
    }
    if (batches.length === 0) return
    this.#committing = this.#commit(turns, batches).finally(() => {
      this.#committing = undefined
      if (this.#soon || [...this.#dirty].some((turn) => turn.urgent)) {
        this.#soon = false
        this.#flushSoon()
      } else if (this.#dirty.size > 0) {
        this.#cancelTimer ??= this.#options.clock.after(this.#options.checkpointMs, () => this.#flushSoon())
      }
    })
  }

  async #commit(turns: readonly Turn[], batches: readonly FlushBatch[]): Promise<void> {
    const outcomes = await this.#commitUntilKnown(batches)
    for (const [index, turn] of turns.entries()) {
      const batch = batches[index]
      if (!batch) continue
      // One turn's mistake must not keep the others from being told.
      try {
        if (outcomes[index] === 'committed') {
          turn.committed()
          this.#options.onCommitted(turn, batch)
        } else {
          turn.fence()
          this.#options.onFenced(turn)
        }
      } catch (error) {
        this.#options.logger.error('What followed a commit failed.', { turnId: turn.turnId, error })
      }
    }
  }

  /** A commit whose outcome is unknown is made again, byte for byte, until somebody says what came of it. */
  async #commitUntilKnown(batches: readonly FlushBatch[]): ReturnType<TurnStore['commit']> {
    for (;;) {
      try {
        const outcomes = await this.#options.store.commit(batches)
        this.#failures = 0
        return outcomes
      } catch (error) {
        this.#failures += 1
        const waitMs = Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_LONGEST_MS)
        this.#options.logger.warn('The store did not take a commit; it is made again.', {
          turns: batches.length,
          failures: this.#failures,
          waitMs,
          error: String(error),
        })
        await new Promise<void>((resolve) => {
          this.#cancelRetry = this.#closed ? undefined : this.#options.clock.after(waitMs, resolve)
        })
      }
    }
  }
}
