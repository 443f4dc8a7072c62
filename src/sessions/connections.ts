import type { Server, Socket } from 'socket.io'
import type { SessionView } from '../protocol/turn-view.ts'
import type { DroneRecord } from '../turns/turn-store.ts'
import type { Access } from './access.ts'
import { CodeSession, listSessions } from './code-session.ts'
import type { CodeWorld } from './code-session.ts'
import { DroneSession } from './drone-session.ts'
import type { DroneWorld } from './drone-world.ts'
import { admit, enterCode, enterDrone } from './handshake.ts'
import type { Gate } from './handshake.ts'
import type { Operations } from './operations.ts'
import { OpsSession } from './ops-session.ts'
import { recallSpeech } from './plain-drone.ts'
import type { Identity, SocketSession, SocketSessionOptions } from './socket-session.ts'

/** Chat sessions in the welcome of an IDE client. */
const WELCOME_SESSIONS = 50

export interface ConnectionsOptions {
  readonly io: Server
  readonly access: Access
  readonly gate: Gate
  readonly droneWorld: DroneWorld
  readonly codeWorld: CodeWorld
  readonly operations: Operations
  readonly frozenMs: number
}

/** The three namespaces, and everybody who is connected through them. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #sessions = new Map<string, SocketSession<unknown>>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#openDrone()
    this.#openCode()
    this.#openOps()
    options.access.onRevoked((keyId) => {
      for (const session of this.#sessions.values()) {
        if (session.identity.keyId === keyId) session.outlet.terminate()
      }
    })
  }

  all(): IterableIterator<SocketSession<unknown>> {
    return this.#sessions.values()
  }

  #openDrone(): void {
    const { io, gate, droneWorld } = this.#options
    const drones = io.of('/drone')
    drones.use(
      admit(gate, async (socket) => {
        const entered = await enterDrone(gate, socket)
        await recallSpeech(droneWorld, entered.record)
        socket.data = entered
      }),
    )
    drones.on('connection', (socket) => {
      const { identity, record } = entered(socket) as { identity: Identity; record: DroneRecord }
      const session = new DroneSession({ ...this.#base(socket, identity), world: droneWorld, record })
      this.#sessions.set(socket.id, session)
      const { droneId, registration } = record
      gate.logger.info('A drone connected.', { droneId, instanceId: registration.instanceId })
      session.welcome()
      droneWorld.directory.seat(record, session)
    })
  }

  #openCode(): void {
    const { io, gate, codeWorld } = this.#options
    const code = io.of('/code')
    code.use(
      admit(gate, async (socket) => {
        const entered = await enterCode(gate, socket, ['code', 'watch'])
        const page = { limit: WELCOME_SESSIONS }
        const { sessions } = await listSessions(codeWorld, entered.identity.userId, page)
        socket.data = { ...entered, newest: sessions }
      }),
    )
    code.on('connection', (socket) => {
      type Entered = { identity: Identity; original: boolean; newest: SessionView[] }
      const { identity, original, newest } = entered(socket) as Entered
      const session = new CodeSession({ ...this.#base(socket, identity), world: codeWorld, original })
      this.#sessions.set(socket.id, session)
      session.welcome(newest)
    })
  }

  #openOps(): void {
    const { io, gate, operations } = this.#options
    const ops = io.of('/ops')
    ops.use(
      admit(gate, async (socket) => {
        socket.data = await enterCode(gate, socket, ['ops'])
      }),
    )
    ops.on('connection', (socket) => {
      const { identity } = entered(socket) as { identity: Identity }
      this.#sessions.set(socket.id, new OpsSession({ ...this.#base(socket, identity), world: operations }))
    })
  }

  #base(socket: Socket, identity: Identity): Omit<SocketSessionOptions, 'world'> {
    const { gate, frozenMs } = this.#options
    return {
      socket,
      identity,
      logger: gate.logger,
      ticks: () => gate.clock.ticks(),
      frozenMs,
      onClosed: () => this.#sessions.delete(socket.id),
    }
  }
}

/**
 * What its handshake left for the session. Neither that nor the request and the key it came with is needed any more:
 * for a peer that only listens they would be most of what it costs (Socket.IO's documentation, "Memory usage").
 */
function entered(socket: Socket): unknown {
  const data: unknown = socket.data
  socket.data = undefined
  socket.handshake.headers = {}
  socket.handshake.auth = {}
  Object.assign(socket.conn, { request: null })
  return data
}
