import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** What a link does to what goes over it. `lost`: the bytes of one direction vanish, and nobody is told. */
export type LinkMode =
  | { readonly is: 'fine' }
  | { readonly is: 'slow'; readonly ms: number }
  | { readonly is: 'stalled' }
  | { readonly is: 'lost'; readonly direction: 'up' | 'down' }

const FINE: LinkMode = { is: 'fine' }
/** Bytes that wait in one direction before its sender is not read any more, as in a network. */
const HELD_BYTES = 1_048_576

/** One direction of one connection: chunks leave in the order they came, not before they are due. */
class Direction {
  readonly #from: Socket
  readonly #to: Socket
  readonly #name: 'up' | 'down'
  #mode: LinkMode
  #queue: { readonly dueAt: number; readonly chunk: Buffer }[] = []
  #heldBytes = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Bytes of it have vanished: the connection cannot go on when the link is well again. */
  broken = false

  constructor(from: Socket, to: Socket, name: 'up' | 'down', mode: LinkMode) {
    this.#from = from
    this.#to = to
    this.#name = name
    this.#mode = mode
    from.on('data', (chunk: Buffer) => this.#hear(chunk))
    to.on('drain', () => this.#pump())
  }

  set mode(mode: LinkMode) {
    this.#mode = mode
    this.#pump()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#queue = []
  }

  #hear(chunk: Buffer): void {
    if (this.#mode.is === 'lost' && this.#mode.direction === this.#name) {
      this.broken = true
      return
    }
    const delayMs = this.#mode.is === 'slow' ? this.#mode.ms : 0
    const dueAt = Math.max(performance.now() + delayMs, this.#queue.at(-1)?.dueAt ?? 0)
    this.#queue.push({ dueAt, chunk })
    this.#heldBytes += chunk.length
    if (this.#heldBytes > HELD_BYTES) this.#from.pause()
    this.#pump()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    if (this.#mode.is === 'stalled') return
    for (let first = this.#queue[0]; first; first = this.#queue[0]) {
      const waitMs = first.dueAt - performance.now()
      if (waitMs > 0.5) {
        this.#timer = setTimeout(() => this.#pump(), waitMs)
        return
      }
      if (this.#to.writableNeedDrain) return
      this.#queue.shift()
      this.#heldBytes -= first.chunk.length
      this.#to.write(first.chunk)
    }
    this.#from.resume()
  }
}

/** One connection through the proxy. */
class Passage {
  readonly #sockets: readonly [Socket, Socket]
  readonly #directions: readonly [Direction, Direction]

  constructor(client: Socket, port: number, mode: LinkMode, onClosed: () => void) {
    const server = connect(port, '127.0.0.1')
    this.#sockets = [client, server]
    this.#directions = [
      new Direction(client, server, 'up', mode),
      new Direction(server, client, 'down', mode),
    ]
    for (const socket of this.#sockets) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.cut()
        onClosed()
      })
    }
  }

  set mode(mode: LinkMode) {
    if (mode.is !== 'lost' && this.#directions.some(({ broken }) => broken)) this.cut()
    for (const direction of this.#directions) direction.mode = mode
  }

  cut(): void {
    for (const direction of this.#directions) direction.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A way to a server that can be cut, slowed down, held up, or made to swallow what goes one way. */
export class FaultProxy {
  readonly #server: Server
  readonly #passages = new Set<Passage>()
  readonly #targetPort: () => number
  #mode: LinkMode = FINE

  private constructor(targetPort: () => number) {
    this.#targetPort = targetPort
    this.#server = createServer((client) => this.#join(client))
  }

  /** `targetPort` is asked for every connection anew: what lies behind may move. */
  static async open(targetPort: () => number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  set mode(mode: LinkMode) {
    this.#mode = mode
    for (const passage of this.#passages) passage.mode = mode
  }

  get isFine(): boolean {
    return this.#mode.is === 'fine'
  }

  heal(): void {
    this.mode = FINE
  }

  cut(): void {
    for (const passage of this.#passages) passage.cut()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #join(client: Socket): void {
    const passage = new Passage(client, this.#targetPort(), this.#mode, () => this.#passages.delete(passage))
    this.#passages.add(passage)
  }
}
