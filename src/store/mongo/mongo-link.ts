import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import type { Connection, ConnectOptions, Model } from 'mongoose'
import { RelayError } from '../../protocol/errors.ts'
import { StoreConfigError } from '../store-config-error.ts'
import type { StoreLogger } from '../store-logger.ts'

/** ms to find a server that takes writes: an election takes about this long, and a caller that waits holds words. */
const SERVER_SELECTION_MS = 3_000

/**
 * ms of silence on a connection in use. Generous, for the largest bulk write on the slowest server in use: given again
 * after less, it would never get through. A frozen server is found sooner, by the driver's monitor (about 13 s).
 */
const SOCKET_SILENCE_MS = 30_000

/** ms to wait for one of the pool's connections: all are taken for as long only if the server hangs. */
const POOL_WAIT_MS = 5_000

/**
 * ms for a whole call. The driver (7.8.0) waits for ever for a write to a socket that is destroyed and has not said so
 * yet: it waits for a `drain` that never comes, and no timeout of its own covers that.
 */
const CALL_MS = 60_000

/**
 * ms in which every call failed, after which the client is made anew. What hangs as above may be the driver's monitor,
 * and then no server is found any more, however well it is.
 */
const RENEW_AFTER_MS = 10_000

/** ms between two tries to reach a server for the first time. */
const CONNECT_AGAIN_MS = 1_000

/** The database, where neither the URI nor the caller names one. */
const DATABASE = 'drone_relay'

export interface MongoLinkOptions {
  readonly uri: string
  readonly database?: string | undefined
  readonly selectionMs?: number | undefined
  readonly renewAfterMs?: number | undefined
  readonly logger: StoreLogger
}

/** A model whose indexes have to be there before the store is used. */
export type Indexed = Pick<Model<unknown>, 'createIndexes'>

/**
 * The connection, made in the background and once more by the driver whenever it was lost. Until it is there, and until
 * the indexes are (one of them keeps a message from making two turns), every call is refused.
 */
export class MongoLink {
  readonly connection: Connection
  readonly #logger: StoreLogger
  readonly #closing = new AbortController()
  readonly #options: MongoLinkOptions
  #connecting: Promise<void> | undefined
  #indexed: readonly Indexed[] = []
  /** Monotonic ms of the first of the calls that failed one after the other. */
  #failingSince: number | undefined
  #closed: Promise<void> | undefined
  #ready = false

  constructor(options: MongoLinkOptions) {
    checkUri(options.uri)
    this.#options = options
    this.#logger = options.logger
    this.connection = mongoose.createConnection()
    // Lost connections are the driver's to renew and told by the calls that fail; unheard, an `error` would be thrown.
    this.connection.on('error', (error: Error) =>
      this.#logger.warn('database connection failed', { reason: error.message }),
    )
  }

  /** Resolves after the first try to connect, whatever came of it; the others go on in the background. */
  open(indexed: readonly Indexed[]): Promise<void> {
    this.#indexed = indexed
    return new Promise((resolve) => {
      this.#connecting ??= this.#connect(resolve)
    })
  }

  async ping(): Promise<void> {
    await this.connection.db?.command({ ping: 1 })
  }

  /** Makes a call to the database; whatever keeps it from being made or answered becomes `store_unavailable`. */
  async call<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#ready) throw new RelayError('store_unavailable', 'The database has not been reached yet.')
    try {
      const answer = await withinTime(call())
      this.#failingSince = undefined
      return answer
    } catch (cause) {
      if (!isOutage(cause)) throw cause
      this.#failed()
      throw new RelayError('store_unavailable', 'The database did not answer as it should.', {
        cause,
        level: 'warn',
      })
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #failed(): void {
    const now = performance.now()
    this.#failingSince ??= now
    const { renewAfterMs = RENEW_AFTER_MS } = this.#options
    if (now - this.#failingSince < renewAfterMs || !this.#ready || this.#closing.signal.aborted) return
    this.#failingSince = undefined
    this.#ready = false
    this.#logger.warn('the database has answered nothing for a while: the client is made anew')
    this.#connecting = this.#renew()
  }

  async #renew(): Promise<void> {
    try {
      // Not by force: the driver closes no otherwise for it, and Mongoose (9.12.1) then lets no model be used again.
      await this.connection.close()
    } catch (error) {
      this.#logger.warn('the old client did not close', { reason: withoutUri(error) })
    }
    await this.#connect(() => undefined)
  }

  async #close(): Promise<void> {
    this.#ready = false
    this.#closing.abort()
    await this.#connecting
    await this.connection.close()
  }

  async #connect(tried: () => void): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted && !this.#ready) {
      try {
        await this.connection.openUri(this.#options.uri, connectOptions(this.#options))
        for (const model of this.#indexed) await model.createIndexes()
        this.#ready = !signal.aborted
        this.#logger.info('the database is there', { database: this.connection.name })
      } catch (error) {
        this.#logger.warn('the database cannot be used yet', { reason: withoutUri(error) })
        tried()
        await sleep(CONNECT_AGAIN_MS, undefined, { signal }).catch(() => {})
      }
    }
    tried()
  }
}

/** Rejects as a broken connection does where the driver itself never would. */
function withinTime<T>(call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new mongoose.mongo.MongoNetworkTimeoutError(`no answer within ${CALL_MS} ms`)),
      CALL_MS,
    )
    call.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function connectOptions({
  uri,
  database,
  selectionMs = SERVER_SELECTION_MS,
}: MongoLinkOptions): ConnectOptions {
  const named = /^mongodb(\+srv)?:\/\/[^/]+\/[^?]/.test(uri)
  return {
    ...(database === undefined ? (named ? {} : { dbName: DATABASE }) : { dbName: database }),
    serverSelectionTimeoutMS: selectionMs,
    connectTimeoutMS: selectionMs,
    socketTimeoutMS: SOCKET_SILENCE_MS,
    waitQueueTimeoutMS: POOL_WAIT_MS,
    bufferCommands: false,
    autoIndex: false,
    autoCreate: false,
    ignoreUndefined: true,
    // Whoever called repeats a write of unknown outcome, frozen; and not every server knows the driver's own repeats.
    retryWrites: false,
    writeConcern: { w: 'majority', journal: true },
    // What a majority does not have may be taken back by an election, and must not count as stored.
    readConcern: { level: 'majority' },
    readPreference: 'primary',
  }
}

function checkUri(uri: string): void {
  try {
    void new mongoose.mongo.MongoClient(uri)
  } catch (error) {
    // Without its cause: the driver quotes the URI, and there may be a password in it.
    throw new StoreConfigError(`The MongoDB URI is not valid: ${withoutUri(error)}.`)
  }
}

function withoutUri(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/mongodb(\+srv)?:\/\/[^\s"']*/g, '<uri>').replace(/\.$/, '')
}

/** What Node says of a socket that broke just then: the driver (7.8.0) hands some of it on as it is. */
const BROKEN_SOCKET: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'ERR_STREAM_DESTROYED',
])

/** Not our own mistakes, which no waiting mends: a value that a schema refuses, or one that BSON cannot hold. */
export function isOutage(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && BROKEN_SOCKET.has(error.code)) return true
  const { CastError, StrictModeError, ValidationError } = mongoose.Error
  if (error instanceof CastError || error instanceof StrictModeError || error instanceof ValidationError)
    return false
  return error instanceof mongoose.Error || error instanceof mongoose.mongo.MongoError
}

/** A unique index refused it. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof mongoose.mongo.MongoServerError && error.code === DUPLICATE_KEY
}

/** The server's code for it. */
const DUPLICATE_KEY = 11_000
