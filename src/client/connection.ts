import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { FINAL_DISCONNECTS } from '../protocol/errors.ts'
import type { WireError } from '../protocol/errors.ts'
import { backoffMs } from '../turns/backoff.ts'

/** The waits between tries to connect: from the first, doubling, to the longest while something is live, or else. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_LIVE_MS = 1000
const LONGEST_WAIT_IDLE_MS = 30_000
/** A server that accepts the socket and then says nothing is tried again. */
const WELCOME_WITHIN_MS = 10_000

/** Why a client has given up: trying again would be refused again. */
export class FinalRefusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(`${message} (${code})`)
    this.name = 'FinalRefusal'
    this.code = code
  }
}

export interface ConnectionOptions<Welcome> {
  /** `http://host:port` of the relay. */
  readonly url: string
  readonly namespace: '/drone' | '/code' | '/ops'
  readonly auth: () => object
  /** Something is live: reconnecting is urgent. */
  readonly isUrgent: () => boolean
  readonly onWelcome: (welcome: Welcome) => void
  readonly onDown: () => void
  readonly onFinal: (refusal: FinalRefusal) => void
  readonly random?: () => number
}

/**
 * One logical connection over however many sockets it takes (docs/protocol.md, "Handshake"). Socket.IO's own
 * reconnection stops after a refusal and would resend what the outbox resends too, so it is switched off.
 */
export class Connection<Welcome> {
  readonly socket: Socket
  readonly #options: ConnectionOptions<Welcome>
  readonly #waiting = new Set<{ resolve: () => void; reject: (error: Error) => void }>()
  #refusal: FinalRefusal | undefined
  #up = false
  #stopped = false
  #tries = 0
  #lastError: Partial<WireError> | undefined
  #hintMs: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #welcomeTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: ConnectionOptions<Welcome>) {
    this.#options = options
    const { url, namespace, auth } = options
    this.socket = io(`${url.replace(/\/$/, '')}${namespace}`, {
      autoConnect: false,
      reconnection: false,
      forceNew: true,
      transports: ['websocket'],
      auth: (give) => give(auth()),
    })
    this.socket.on('connect', () => {
      this.#lastError = undefined
      this.#welcomeTimer = setTimeout(() => this.socket.disconnect(), WELCOME_WITHIN_MS)
    })
    this.socket.on('welcome', (welcome: Welcome) => {
      clearTimeout(this.#welcomeTimer)
      this.#up = true
      this.#tries = 0
      options.onWelcome(welcome)
      for (const { resolve } of this.#waiting) resolve()
      this.#waiting.clear()
    })
    this.socket.on('connect_error', (error: Error & { data?: Partial<WireError> }) => this.#refused(error))
    this.socket.on('error', (error: Partial<WireError>) => (this.#lastError = error))
    this.socket.on('draining', ({ retryAfterMs }: { retryAfterMs: number }) => (this.#hintMs = retryAfterMs))
    this.socket.on('disconnect', () => this.#disconnected())
  }

  /** Welcomed, and not disconnected since: only then may anything be said. */
  get up(): boolean {
    return this.#up && this.socket.connected
  }

  /** Resolves when something may be said; rejects where it never will be: refused for good, or closed. */
  whenUp(): Promise<void> {
    if (this.up) return Promise.resolve()
    if (this.#refusal) return Promise.reject(this.#refusal)
    return new Promise((resolve, reject) => this.#waiting.add({ resolve, reject }))
  }

  open(): void {
    this.#stopped = false
    this.#connect()
  }

  close(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#welcomeTimer)
    this.socket.disconnect()
    this.#letDown(new Error('the client was closed'))
  }

  #letDown(reason: Error): void {
    for (const { reject } of this.#waiting) reject(reason)
    this.#waiting.clear()
  }

  /**
   * What was said to a connection that a sleeping process did not know to be dead is kept by Socket.IO and would be the
   * first thing on the next one, before its welcome. Whoever said it says it again where it still matters.
   */
  #connect(): void {
    this.socket.sendBuffer = []
    this.socket.connect()
  }

  #refused(error: Error & { data?: Partial<WireError> }): void {
    const { data } = error
    if (data?.code !== undefined && data.retryable !== true) {
      this.#giveUp(data.code, data.message ?? error.message)
      return
    }
    if (data?.retryAfterMs !== undefined) this.#hintMs = data.retryAfterMs
    this.#tryAgain()
  }

  #disconnected(): void {
    clearTimeout(this.#welcomeTimer)
    const wasUp = this.#up
    this.#up = false
    if (wasUp && !this.#stopped) this.#options.onDown()
    const last = this.#lastError
    if (last?.code !== undefined && FINAL_DISCONNECTS.has(last.code))
      this.#giveUp(last.code, last.message ?? '')
    else {
      if (last?.retryAfterMs !== undefined) this.#hintMs = last.retryAfterMs
      this.#tryAgain()
    }
  }

  #giveUp(code: string, message: string): void {
    if (this.#stopped) return
    const refusal = new FinalRefusal(code, message)
    this.#refusal = refusal
    this.#letDown(refusal)
    this.close()
    this.#options.onFinal(refusal)
  }

  #tryAgain(): void {
    if (this.#stopped) return
    const { isUrgent, random = Math.random } = this.#options
    const longest = isUrgent() ? LONGEST_WAIT_LIVE_MS : LONGEST_WAIT_IDLE_MS
    this.#tries += 1
    const waitMs =
      this.#hintMs ?? backoffMs(this.#tries, { firstMs: FIRST_WAIT_MS, longestMs: longest, random })
    this.#hintMs = undefined
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#connect(), waitMs)
  }
}
