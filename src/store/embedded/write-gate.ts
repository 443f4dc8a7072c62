import { randomUUID } from 'node:crypto'
import { RelayError } from '../../protocol/errors.ts'
import type { StoreLogger } from '../store-logger.ts'
import type { DiskRoom } from './disk-room.ts'
import type { Tables } from './tables.ts'

/** Writes that may wait for the one under way. Callers wait for their answers, so more means that one of them leaks. */
const MAX_WAITING = 20_000

interface Waiting {
  readonly action: () => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

type Done = { readonly value: unknown } | { readonly error: unknown }

export interface WriteGateOptions {
  readonly tables: Tables
  readonly room: DiskRoom
  readonly logger: StoreLogger
}

/**
 * The one place that writes. What arrives while a transaction is on its way to the disk shares the next one.
 *
 * One transaction at a time, because of what LMDB does when the disk fails: the first failed commit is harmless, later
 * ones tear its heap. So [ST9] the first closes the gate until the process is started anew.
 */
export class WriteGate {
  readonly #tables: Tables
  readonly #room: DiskRoom
  readonly #logger: StoreLogger
  /** In the data file as `owner`: should two processes ever slip past the lock, the first finds the other's here. */
  readonly #token = randomUUID()
  #claimed = false
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #shut: RelayError | undefined

  constructor(options: WriteGateOptions) {
    this.#tables = options.tables
    this.#room = options.room
    this.#logger = options.logger
  }

  /**
   * Runs `action` in a transaction and resolves with what it returned once that is on disk. It must be synchronous. If
   * it throws, nothing of it is written, and others in the same transaction do not notice.
   */
  write<T>(action: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const refusal = this.#refusal()
      if (refusal) return reject(refusal)
      this.#waiting.push({ action, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Throws why writes are refused just now, if they are. */
  check(): void {
    const refusal = this.#refusal()
    if (refusal) throw refusal
  }

  /** Refuses new writes and waits for those accepted. */
  async close(): Promise<void> {
    this.#shut ??= new RelayError('store_unavailable', 'The store has been closed.')
    await this.#running
  }

  #refusal(): RelayError | undefined {
    if (this.#shut) return this.#shut
    if (this.#waiting.length >= MAX_WAITING)
      return new RelayError('store_unavailable', 'The store has too many writes waiting.', { level: 'warn' })
    if (!this.#room.isEnough())
      return new RelayError('store_unavailable', 'The disk of the data folder is nearly full.', {
        level: 'error',
      })
    return undefined
  }

  async #run(): Promise<void> {
    // The calls of one event turn, and all that a whole burst of them leads to, make one transaction.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      await this.#transact(group)
    }
    this.#running = undefined
  }

  async #transact(group: readonly Waiting[]): Promise<void> {
    if (this.#shut && this.#shut.cause !== undefined) return rejectAll(group, this.#shut)
    try {
      const results = await this.#tables.root.transaction(() => this.#actAll(group))
      this.#claimed = true
      group.forEach((waiting, index) => settle(waiting, results[index]))
    } catch (cause) {
      // LMDB keeps the reason in a promise of its own, which nobody else would catch.
      const reason = await reasonOf(cause)
      this.#shut = new RelayError(
        'store_unavailable',
        'The store could not write and only reads until it is restarted.',
        {
          cause: reason,
          level: 'error',
        },
      )
      this.#logger.error(this.#shut.message, { reason: String(reason) })
      rejectAll(group, this.#shut)
    }
  }

  /** Within the transaction. */
  #actAll(group: readonly Waiting[]): Done[] {
    const { meta } = this.#tables
    if (!this.#claimed) void meta.put('owner', this.#token)
    else if (meta.get('owner') !== this.#token)
      throw new Error('another process has opened the same data folder')
    return group.map(({ action }) => this.#act(action))
  }

  #act(action: () => unknown): Done {
    try {
      // A child transaction is undone whole when the action throws; within a transaction it is synchronous.
      return { value: this.#tables.root.transactionSync(action) }
    } catch (error) {
      // LMDB's own errors have a number: then the file is in doubt, not the action.
      if (typeof (error as { code?: unknown }).code === 'number') throw error
      return { error }
    }
  }
}

function settle(waiting: Waiting, done: Done | undefined): void {
  if (done && 'value' in done) waiting.resolve(done.value as never)
  else waiting.reject(done?.error)
}

function rejectAll(group: readonly Waiting[], error: RelayError): void {
  for (const waiting of group) waiting.reject(error)
}

async function reasonOf(cause: unknown): Promise<unknown> {
  const reason = (cause as { commitError?: Promise<never> }).commitError
  if (!reason) return cause
  return reason.then(
    () => cause,
    (error: unknown) => error,
  )
}
