import type { Socket } from 'socket.io'
import { RelayError } from '../protocol/errors.ts'
import { eventFrame, lengthOfPacket, writeFrame } from './event-frame.ts'

/** What a peer may still read after its last `error` before its transport is cut. */
const FAREWELL_MS = 1000
/** Well below any `pingTimeoutMs` that is of use. */
const HELD_PING_MS = 500

type Listener = (...args: never[]) => void

/** The arguments of an event, without the acknowledgement at their end. */
type Said<Heard extends Listener> =
  Parameters<Heard> extends [...infer Args, ack: (answer: infer _Answer) => void] ? Args : Parameters<Heard>
type AnswerTo<Heard extends Listener> =
  Parameters<Heard> extends [...infer _Args, ack: (answer: infer Answer) => void] ? Answer : never

interface Transport {
  on(event: 'drain', listener: () => void): unknown
  off(event: 'drain', listener: () => void): unknown
  readonly socket?: {
    terminate?(): void
    pause?(): void
    resume?(): void
    readonly bufferedAmount?: number
    /** What the system has not taken of the write that is under way. */
    readonly _socket?: { readonly _handle?: { readonly writeQueueSize?: number } | null } | null
  }
}

export interface OutletOptions {
  readonly socket: Socket
  /** A peer that is waited for and takes nothing for this long is cut off. */
  readonly frozenMs: number
  readonly onFrozen: () => void
}

/**
 * The one place that writes to a socket and the one that closes it. It counts what the peer has not taken yet:
 * Socket.IO itself has no bound on that (docs/operations.md, "Slow peers").
 */
export class Outlet<Down> {
  readonly #socket: Socket
  readonly #frozenMs: number
  readonly #onFrozen: () => void
  #frozenTimer: ReturnType<typeof setInterval> | undefined
  #heldPings: ReturnType<typeof setInterval> | undefined
  readonly #asked = new Set<(error: RelayError) => void>()
  readonly #drainWaiters: (() => void)[] = []
  readonly #notReadingFor = new Set<string>()
  #queuedBytes = 0
  #sendingBytes = 0
  #closed = false

  constructor({ socket, frozenMs, onFrozen }: OutletOptions) {
    this.#onFrozen = onFrozen
    this.#socket = socket
    this.#frozenMs = frozenMs
    const { conn } = socket
    conn.on(
      'packetCreate',
      (packet: Parameters<typeof lengthOfPacket>[0]) => (this.#queuedBytes += lengthOfPacket(packet)),
    )
    conn.on('flush', () => {
      this.#sendingBytes += this.#queuedBytes
      this.#queuedBytes = 0
    })
    // The connection's own `drain` only says that the transport was given everything; the transport's, that it is out.
    let transport: Transport = conn.transport
    const onDrain = (): void => this.#sent()
    transport.on('drain', onDrain)
    conn.on('upgrade', () => {
      transport.off('drain', onDrain)
      transport = conn.transport
      transport.on('drain', onDrain)
    })
  }

  get id(): string {
    return this.#socket.id
  }

  get open(): boolean {
    return !this.#closed && this.#socket.connected
  }

  /** Characters and bytes given to the transport and not yet taken by the system: what a slow peer costs. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#sendingBytes
  }

  emit<Name extends keyof Down & string>(
    name: Name,
    ...args: Down[Name] extends Listener ? Said<Down[Name]> : never
  ): void {
    if (!this.open) return
    if (args.some((arg) => arg instanceof Uint8Array)) this.#socket.emit(name, ...args)
    else writeFrame(this.#socket, eventFrame(this.#socket.nsp.name, name, args))
  }

  /** Answers an event that failed and had no acknowledgement. */
  refuse(error: object): void {
    if (this.open) this.#socket.emit('error', error)
  }

  /** Emits and waits for the acknowledgement; rejects with `timeout`, or `drone_offline` when the peer goes first. */
  ask<Name extends keyof Down & string>(
    name: Name,
    timeoutMs: number | undefined,
    ...args: Down[Name] extends Listener ? Said<Down[Name]> : never
  ): Promise<Down[Name] extends Listener ? AnswerTo<Down[Name]> : never> {
    return new Promise((resolve, reject) => {
      const fail = (error: RelayError): void => {
        clearTimeout(timer)
        this.#asked.delete(fail)
        reject(error)
      }
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(
              () => fail(new RelayError('timeout', `No answer to ${name} within ${timeoutMs} ms.`)),
              timeoutMs,
            )
      if (!this.open) {
        fail(new RelayError('drone_offline', `The peer left before it could be asked for ${name}.`))
        return
      }
      this.#asked.add(fail)
      this.#socket.emit(
        name,
        ...args,
        (answer: Down[Name] extends Listener ? AnswerTo<Down[Name]> : never) => {
          clearTimeout(timer)
          this.#asked.delete(fail)
          resolve(answer)
        },
      )
    })
  }

  /** Resolves when the peer has taken everything, or is gone. */
  whenDrained(): Promise<void> {
    if (!this.open || this.bufferedBytes === 0) return Promise.resolve()
    this.#cutIfFrozen()
    return new Promise((resolve) => this.#drainWaiters.push(resolve))
  }

  join(room: string): void {
    if (this.open) void this.#socket.join(room)
  }

  leave(room: string): void {
    void this.#socket.leave(room)
  }

  /** Stops reading from the peer, or goes on once nobody has a reason against it: how it is made to wait. */
  setReading(reason: string, reading: boolean): void {
    const wasReading = this.#notReadingFor.size === 0
    if (reading) this.#notReadingFor.delete(reason)
    else this.#notReadingFor.add(reason)
    const isReading = this.#notReadingFor.size === 0
    if (isReading === wasReading) return
    const { socket } = this.#socket.conn.transport as Transport
    if (isReading) socket?.resume?.()
    else socket?.pause?.()
    clearInterval(this.#heldPings)
    if (!isReading) this.#heldPings = setInterval(() => this.#holdPing(), HELD_PING_MS).unref()
  }

  /** A peer that is not read answers pings in vain: it is not taken for dead for that, and goes on hearing them. */
  #holdPing(): void {
    // engine.io has no way of its own to say so.
    const conn = this.#socket.conn as unknown as {
      readonly pingTimeoutTimer: { refresh(): void } | null
      sendPacket(type: 'ping'): void
    }
    if (!conn.pingTimeoutTimer) return
    conn.pingTimeoutTimer.refresh()
    conn.sendPacket('ping')
  }

  /** The last word, then a disconnect; a peer that does not hear it is cut off. */
  end(error: RelayError): void {
    if (this.#closed) return
    this.#socket.emit('error', error.toWire())
    this.closed()
    this.#socket.disconnect()
    const timer = setTimeout(() => this.terminate(), FAREWELL_MS)
    timer.unref()
  }

  /** As soon as what was said is out, and at the latest after a moment: there is nothing more to hear or say. */
  leaveNow(): void {
    const timer = setTimeout(() => this.terminate(), FAREWELL_MS)
    void this.whenDrained().then(() => {
      clearTimeout(timer)
      this.terminate()
    })
  }

  /** Cuts the transport at once: a polite close would leave a frozen peer's buffer for a minute. */
  terminate(): void {
    this.closed()
    const { conn } = this.#socket
    // A write under way may still end well, and engine.io would then give all of this to a socket that is gone: an error
    // with a stack for every packet, and with 200 frozen peers cut at once a second in which nothing else happens.
    const { writeBuffer } = conn as unknown as { readonly writeBuffer?: unknown[] }
    writeBuffer?.splice(0)
    const { socket } = conn.transport as Transport
    if (socket?.terminate) socket.terminate()
    else conn.close()
  }

  /** The peer is gone: whoever waits for it waits no more. */
  closed(): void {
    this.#closed = true
    clearInterval(this.#heldPings)
    for (const fail of this.#asked) fail(new RelayError('drone_offline', 'The peer left before it answered.'))
    this.#drained()
  }

  /** As long as somebody waits for the peer: its buffer is held for a slow one, and not for a frozen one. */
  #cutIfFrozen(): void {
    if (this.#frozenTimer !== undefined) return
    let last = this.#untaken()
    this.#frozenTimer = setInterval(() => {
      const now = this.#untaken()
      if (now === last) {
        this.#onFrozen()
        this.terminate()
      }
      last = now
    }, this.#frozenMs)
    this.#frozenTimer.unref()
  }

  /** Changes whenever the system takes anything of what is written; engine.io itself tells only of whole batches. */
  #untaken(): string {
    const { socket } = this.#socket.conn.transport as Transport
    return [this.bufferedBytes, socket?.bufferedAmount, socket?._socket?._handle?.writeQueueSize].join()
  }

  #sent(): void {
    this.#sendingBytes = 0
    if (this.#queuedBytes === 0) this.#drained()
  }

  #drained(): void {
    clearInterval(this.#frozenTimer)
    this.#frozenTimer = undefined
    for (const resolve of this.#drainWaiters.splice(0)) resolve()
  }
}
