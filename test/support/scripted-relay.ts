import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import type { ServerOptions, Socket } from 'socket.io'
import type { DroneWelcome, WorkOrder } from '../../src/protocol/drone-down.ts'
import { until } from './until.ts'

const WITHIN_MS = 8000

interface Said {
  readonly name: string
  readonly args: readonly unknown[]
  readonly ack: (answer: unknown) => void
}

type Listed = DroneWelcome['turns'][number]

/**
 * The relay's end of a drone's connection, played by hand: it says and answers only what a test tells it to, so that
 * what a real relay does rarely happens just when it matters.
 */
export class ScriptedRelay {
  readonly url: string
  /** All that was said, over all connections. */
  readonly said: Said[] = []
  readonly sockets: Socket[] = []
  /** The turns of the next welcome. */
  turns: Listed[] = []
  windowBytes = 10_000
  readonly #io: Server

  private constructor(io: Server, port: number) {
    this.#io = io
    this.url = `http://127.0.0.1:${port}`
    io.of('/drone').on('connection', (socket) => {
      this.sockets.push(socket)
      socket.onAny((name: string, ...raw: unknown[]) => {
        const last = raw.at(-1)
        const asks = typeof last === 'function'
        const ack = asks ? (last as Said['ack']) : () => undefined
        if (name === 'heartbeat') ack({ ok: true, serverTime: '' })
        this.said.push({ name, args: asks ? raw.slice(0, -1) : raw, ack })
      })
      this.#welcome(socket)
    })
  }

  static async start(options: Partial<ServerOptions> = {}): Promise<ScriptedRelay> {
    const http = createServer()
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return new ScriptedRelay(new Server(http, options), (http.address() as AddressInfo).port)
  }

  get socket(): Socket {
    const socket = this.sockets.at(-1)
    if (!socket) throw new Error('no drone has connected')
    return socket
  }

  async stop(): Promise<void> {
    await this.#io.close()
  }

  /** Cuts the connection, and resolves when the drone has come back. */
  async reconnect(): Promise<void> {
    const before = this.sockets.length
    this.socket.conn.close()
    await until('the drone is back', WITHIN_MS, () => this.sockets.length > before)
  }

  /** Gives an order; resolves with the answer. */
  give(order: Partial<WorkOrder> = {}): Promise<{ ok: boolean; error?: object }> {
    const whole = { turnId: 't', attempt: 1, chatSessionId: 'c', workspaceId: 'w', prompt: '', history: [] }
    return this.socket.emitWithAck('processWorkOrder', { ...whole, ...order }) as Promise<{
      ok: boolean
      error?: object
    }>
  }

  /** A head of the turn's own lane. */
  head(name: 'checkpoint' | 'rewind', offset: number): void {
    this.socket.emit(name, { turnId: 't', attempt: 1, lane: '', offset })
  }

  all(name: string): Said[] {
    return this.said.filter((each) => each.name === name)
  }

  /** The `number`th thing of that name. */
  async nth(name: string, number = 1): Promise<Said> {
    await until(`${name} is said (${number})`, WITHIN_MS, () => this.all(name).length >= number)
    return this.all(name)[number - 1] as Said
  }

  #welcome(socket: Socket): void {
    const limits = { textUnits: 1000, toolBytes: 10_000, eventBytes: 100_000, windowBytes: this.windowBytes }
    const { turns } = this
    const peer = { registrationId: 'r', droneId: 'd', nodeId: 'n', heartbeatIntervalMs: 60_000 }
    socket.emit('welcome', { ...peer, limits, online: [], turns, terminals: [] })
  }
}
