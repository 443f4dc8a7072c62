import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../turns/clock.ts'

/** How long a peer may take to answer a close: a relay that stops does not wait for it. */
const FAREWELL_MS = 1000

export interface RawOutletOptions {
  readonly ws: WebSocket
  /** What it runs on. */
  readonly tcp: Duplex
  readonly clock: Clock
  /** A peer that takes nothing of what it is sent for this long is cut off. */
  readonly frozenMs: number
  /** How often a peer is asked whether it is there; one that is not heard of in between is cut off. */
  readonly pingIntervalMs: number
}

/** The one place that writes to a raw WebSocket and closes it: what `Outlet` is for those of Socket.IO. */
export class RawOutlet {
  readonly #options: RawOutletOptions
  readonly #cancels = new Map<'beat' | 'frozen' | 'farewell', () => void>()
  #isHeardOf = true
  #isPonging = false
  #sent = 0
  #taken = 0
  #whenTaken: Promise<void> = Promise.resolve()

  constructor(options: RawOutletOptions) {
    this.#options = options
    const { ws } = options
    ws.on('message', () => (this.#isHeardOf = true))
    ws.on('pong', () => (this.#isHeardOf = true))
    ws.on('ping', (data) => this.#pong(data))
    ws.on('close', () => this.#closed())
    // Unheard, it would end the process. A close follows.
    ws.on('error', () => undefined)
    this.#beat()
  }

  get open(): boolean {
    return this.#options.ws.readyState === this.#options.ws.OPEN
  }

  send(data: string | Buffer): void {
    this.#sent += 1
    this.#whenTaken = new Promise((resolve) => {
      this.#options.ws.send(data, () => {
        this.#taken += 1
        this.#isHeardOf = true
        resolve()
      })
    })
    this.#cutIfFrozen()
  }

  /** Resolves when what was sent until now has gone out, or nobody is there any more. */
  whenTaken(): Promise<void> {
    return this.#whenTaken
  }

  /** What was sent goes out first. */
  end(code: number, reason: string): void {
    const { ws } = this.#options
    ws.close(code, reason)
    this.#after('farewell', FAREWELL_MS, () => ws.terminate())
  }

  #cutIfFrozen(): void {
    if (this.#cancels.has('frozen')) return
    const before = this.#progress()
    this.#after('frozen', this.#options.frozenMs, () => {
      if (this.#taken === this.#sent) return
      if (this.#progress() === before) this.#options.ws.terminate()
      else this.#cutIfFrozen()
    })
  }

  /** Changes whenever the system takes anything: `ws` itself tells only of what has been taken whole. */
  #progress(): string {
    const { ws, tcp } = this.#options
    const { _handle: handle } = tcp as { readonly _handle?: { readonly writeQueueSize?: number } | null }
    return [this.#taken, ws.bufferedAmount, handle?.writeQueueSize].join()
  }

  /** Only the newest need be answered: who asks and reads nothing gets no second one. */
  #pong(data: Buffer): void {
    this.#isHeardOf = true
    if (this.#isPonging) return
    this.#isPonging = true
    this.#options.ws.pong(data, false, () => (this.#isPonging = false))
  }

  #beat(): void {
    const { ws, pingIntervalMs } = this.#options
    if (!this.#isHeardOf) {
      ws.terminate()
      return
    }
    this.#isHeardOf = false
    ws.ping()
    this.#after('beat', pingIntervalMs, () => this.#beat())
  }

  #after(what: 'beat' | 'frozen' | 'farewell', ms: number, task: () => void): void {
    this.#cancels.get(what)?.()
    const cancel = this.#options.clock.after(ms, () => {
      this.#cancels.delete(what)
      task()
    })
    this.#cancels.set(what, cancel)
  }

  #closed(): void {
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }
}
