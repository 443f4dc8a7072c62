import type { Namespace, Socket } from 'socket.io'

export type Ack = (answer: unknown) => void

/** An event on its way, as JSON makes it. */
export interface Frame {
  readonly name: string
  readonly args: readonly unknown[]
  readonly ack: Ack | undefined
}

/** Whatever a frame is addressed to: there is one relay, and each socket has its own end. */
const NAMESPACE = '/model'

/** The last event on a connection that the other side closes politely. */
export const FAREWELL = 'disconnect'

/** An acknowledgement on its way. */
export const ANSWER = 'answer'

export function answerFrame(ack: Ack, answer: unknown): Frame {
  return { name: ANSWER, args: throughJson([answer]), ack }
}

export function frameOf(name: string, given: readonly unknown[]): Frame {
  const last = given.at(-1)
  const ack = typeof last === 'function' ? (last as Ack) : undefined
  const args = ack ? given.slice(0, -1) : given
  return { name, args: throughJson(args), ack }
}

function throughJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value
}

/** Who is in which room. */
export class ModelRooms {
  readonly rooms = new Map<string, Set<ModelSocket>>()

  /** As much of a Socket.IO namespace as `CodeRooms` needs; its sockets are their own ids here. */
  asNamespace(): Namespace {
    const to = (room: string): { emit(name: string, ...args: unknown[]): void } => ({
      emit: (name, ...args) => {
        for (const socket of this.rooms.get(room) ?? []) socket.emit(name, ...args)
      },
    })
    const sockets = { get: (socket: ModelSocket) => socket }
    return { name: NAMESPACE, to, adapter: { rooms: this.rooms }, sockets } as unknown as Namespace
  }

  leaveAll(socket: ModelSocket): void {
    for (const room of this.rooms.keys()) this.leave(room, socket)
  }

  join(room: string, socket: ModelSocket): void {
    const members = this.rooms.get(room) ?? new Set()
    this.rooms.set(room, members.add(socket))
  }

  leave(room: string, socket: ModelSocket): void {
    const members = this.rooms.get(room)
    members?.delete(socket)
    if (members?.size === 0) this.rooms.delete(room)
  }
}

type Listener = (...args: unknown[]) => void

/** The relay's end of a connection: as much of a Socket.IO socket as sessions and outlets need. */
export class ModelSocket {
  readonly id: string
  connected = true
  #isBuried = false
  readonly #rooms: ModelRooms
  readonly #send: (frame: Frame) => void
  readonly #cut: () => void
  readonly #listeners = new Map<string, Listener[]>()
  #onAny: (name: string, ...args: unknown[]) => void = () => undefined
  /** The peer takes nothing just now. */
  slow = false

  constructor(id: string, rooms: ModelRooms, ways: { send: (frame: Frame) => void; cut: () => void }) {
    this.id = id
    this.#rooms = rooms
    this.#send = ways.send
    this.#cut = ways.cut
  }

  asSocket(): Socket {
    return this as unknown as Socket
  }

  get conn(): object {
    const off = (): void => undefined
    const socket = { terminate: () => this.#cut() }
    const on = (name: string, listener: Listener): void => this.on(name, listener)
    const write = (packet: string): void => {
      const [name, ...args] = JSON.parse(packet.slice(packet.indexOf('['))) as [string, ...unknown[]]
      this.emit(name, ...args)
    }
    return { on, transport: { name: 'model', on, off, socket }, write, close: () => this.#cut() }
  }

  get nsp(): { readonly name: string } {
    return { name: NAMESPACE }
  }

  on(name: string, listener: Listener): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
  }

  onAny(listener: (name: string, ...args: unknown[]) => void): void {
    this.#onAny = listener
  }

  emit(name: string, ...given: unknown[]): void {
    if (!this.connected) return
    const frame = frameOf(name, given)
    this.#fire('packetCreate', { data: JSON.stringify(frame.args) })
    this.#fire('flush')
    this.#send(frame)
    if (!this.slow) this.taken()
  }

  /** The peer has taken everything. */
  taken(): void {
    this.#fire('drain')
  }

  hear({ name, args, ack }: Frame): void {
    if (this.connected) this.#onAny(name, ...args, ...(ack ? [ack] : []))
  }

  join(room: string): void {
    this.#rooms.join(room, this)
  }

  leave(room: string): void {
    this.#rooms.leave(room, this)
  }

  disconnect(): void {
    this.#send({ name: FAREWELL, args: [], ack: undefined })
    this.lost('server namespace disconnect')
  }

  /** The connection is over, and the relay knows it. */
  lost(reason: string): void {
    if (!this.connected) return
    this.connected = false
    this.bury(reason)
  }

  /** Whoever waits for an answer of this peer waits no more: also in a process that is dead, for its timers are real. */
  bury(reason: string): void {
    if (this.#isBuried) return
    this.#isBuried = true
    this.#rooms.leaveAll(this)
    this.#fire('disconnect', reason)
  }

  #fire(name: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(...args)
  }
}
