import { randomUUID } from 'node:crypto'
import { RelayError } from '../../protocol/errors.ts'
import type { StoreLogger } from '../store-logger.ts'
import type { DataFile } from './data-file.ts'
import type { DiskRoom } from './disk-room.ts'
import type { Journal } from './journal.ts'
import { FORMAT } from './tables.ts'
import { SMALL_WRITE, sumOf } from './write-size.ts'
import type { WriteSize } from './write-size.ts'

/** Writes that may wait for the one under way. Callers wait for their answers, so more means that one of them leaks. */
const MAX_WAITING = 20_000

/** ms without a write after a commit that failed, and after several in a row; short of the 5 s in which it is to heal. */
const PAUSE_FIRST_MS = 500
const PAUSE_LONGEST_MS = 4000

interface Waiting {
  readonly action: () => unknown
  readonly size: () => WriteSize
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

type Done = { readonly value: unknown } | { readonly error: unknown }

/** Since the last commit failed: no write before `until`, and whether it is over only the next commit tells. */
interface Latch {
  readonly error: RelayError
  readonly failures: number
  readonly until: number
}

export interface WriteGateOptions {
  readonly file: Pick<DataFile, 'tables' | 'used' | 'whenOpen' | 'renew'> & {
    readonly journal: Pick<Journal, 'begin' | 'keep' | 'undo' | 'publish'>
  }
  readonly room: Pick<DiskRoom, 'isEnough' | 'reserve'>
  readonly logger: StoreLogger
  /** Monotonic ms. */
  readonly now: () => number
}

/**
 * The one place that writes. What arrives while a transaction is on its way to the disk shares the next one.
 *
 * One transaction at a time, because of what LMDB does when the disk fails: the first failed commit is harmless, but
 * another one begun in the same environment may tear its heap, or never answer. So [ST9] the first closes the gate,
 * the data file is opened anew, and after a pause a single transaction finds out whether it can be written again.
 */
export class WriteGate {
  readonly #options: WriteGateOptions
  /** In the data file as `owner`: should two processes ever slip past the lock, the first finds the other's here. */
  readonly #token = randomUUID()
  #claimed = false
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #latch: Latch | undefined
  #shut: RelayError | undefined

  constructor(options: WriteGateOptions) {
    this.#options = options
  }

  /**
   * Runs `action` in a transaction and resolves with what it returned once that is on disk. It must be synchronous. If
   * it throws, nothing of it is written, and others in the same transaction do not notice. `size` is asked for right
   * before the transaction.
   */
  write<T>(action: () => T, size: () => WriteSize = () => SMALL_WRITE): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const refusal = this.#refusal()
      if (refusal) return reject(refusal)
      this.#waiting.push({ action, size, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Rejects with why writes are refused just now, if they are; in doubt it writes something. */
  async check(): Promise<void> {
    const refusal = this.#refusal()
    if (refusal) throw refusal
    if (this.#latch) await this.write(() => undefined)
  }

  /** Refuses new writes and waits for those accepted. */
  async close(): Promise<void> {
    this.#shut ??= new RelayError('store_unavailable', 'The store has been closed.')
    await this.#running
  }

  #refusal(): RelayError | undefined {
    if (this.#shut) return this.#shut
    if (this.#latch && this.#options.now() < this.#latch.until) return this.#latch.error
    if (this.#waiting.length >= MAX_WAITING)
      return new RelayError('store_unavailable', 'The store has too many writes waiting.', { level: 'warn' })
    return this.#options.room.isEnough() ? undefined : fullError()
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
    const { file, room } = this.#options
    try {
      await file.whenOpen()
      if (!(await room.reserve(sumOf(group.map(({ size }) => size())), file.used)))
        return await this.#split(group)
    } catch (error) {
      return rejectAll(group, error)
    }
    try {
      const results = await file.tables.root.transaction(() => this.#actAll(group))
      file.journal.publish()
      this.#claimed = true
      this.#heal()
      group.forEach((waiting, index) => settle(waiting, results[index]))
    } catch (cause) {
      await this.#fail(group, cause)
    }
  }

  /** There is no room for all: there may be for some. */
  async #split(group: readonly Waiting[]): Promise<void> {
    if (group.length === 1) return rejectAll(group, fullError())
    for (const waiting of group) {
      const refusal = this.#refusal()
      if (refusal) waiting.reject(refusal)
      else await this.#transact([waiting])
    }
  }

  /** Within the transaction. */
  #actAll(group: readonly Waiting[]): Done[] {
    const { meta } = this.#options.file.tables
    if (this.#claimed && meta.get('owner') !== this.#token) throw new TakenError()
    // After a failure something has to be written: a commit of nothing would be no proof that the disk takes any.
    if (!this.#claimed || this.#latch) void meta.put('owner', this.#token)
    if (!this.#claimed) void meta.put('format', FORMAT)
    return group.map(({ action }) => this.#act(action))
  }

  #act(action: () => unknown): Done {
    const { tables, journal } = this.#options.file
    journal.begin()
    try {
      // A child transaction is undone whole when the action throws; within a transaction it is synchronous.
      const value: unknown = tables.root.transactionSync(action)
      journal.keep()
      return { value }
    } catch (error) {
      journal.undo()
      // LMDB's own errors have a number: then the file is in doubt, not the action.
      if (typeof (error as { code?: unknown }).code === 'number') throw error
      return { error }
    }
  }

  #heal(): void {
    if (!this.#latch) return
    this.#options.logger.info('the store writes again', { failures: this.#latch.failures })
    this.#latch = undefined
  }

  async #fail(group: readonly Waiting[], cause: unknown): Promise<void> {
    // LMDB keeps the reason in a promise of its own, which nobody else would catch.
    const reason = await reasonOf(cause)
    const { file, logger, now } = this.#options
    const error = failedError(reason)
    logger.error(error.message, { reason: String(reason) })
    if (reason instanceof TakenError) this.#shut = error
    const failures = (this.#latch?.failures ?? 0) + 1
    const pauseMs = Math.min(PAUSE_FIRST_MS * 2 ** (failures - 1), PAUSE_LONGEST_MS)
    this.#latch = { error, failures, until: now() + pauseMs }
    rejectAll(group, error)
    rejectAll(this.#waiting, error)
    this.#waiting = []
    await file.renew().catch((again: unknown) => logger.error(String(again)))
  }
}

class TakenError extends Error {
  constructor() {
    super('another process has opened the same data folder')
  }
}

function fullError(): RelayError {
  return new RelayError('store_unavailable', 'The disk of the data folder is nearly full.', {
    level: 'error',
  })
}

function failedError(cause: unknown): RelayError {
  const message =
    cause instanceof TakenError
      ? `The store only reads from now on: ${cause.message}.`
      : 'The store could not write: it only reads, and soon tries again.'
  return new RelayError('store_unavailable', message, { cause, level: 'error' })
}

function settle(waiting: Waiting, done: Done | undefined): void {
  if (done && 'value' in done) waiting.resolve(done.value as never)
  else waiting.reject(done?.error)
}

function rejectAll(group: readonly Waiting[], error: unknown): void {
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
