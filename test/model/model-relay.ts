import type { Registration } from '../../src/protocol/handshake.ts'
import { begin } from '../../src/sessions/beginning.ts'
import { CodeRooms } from '../../src/sessions/code-rooms.ts'
import { Rounds } from '../../src/sessions/rounds.ts'
import { CodeSession } from '../../src/sessions/code-session.ts'
import type { CodeWorld } from '../../src/sessions/code-session.ts'
import { linkConsequences } from '../../src/sessions/consequences.ts'
import { Directory } from '../../src/sessions/directory.ts'
import { DroneSession } from '../../src/sessions/drone-session.ts'
import type { DroneWorld } from '../../src/sessions/drone-world.ts'
import { Followers } from '../../src/sessions/followers.ts'
import type { Commands } from '../../src/sessions/commands.ts'
import { Once } from '../../src/sessions/once.ts'
import type { Surfaces } from '../../src/sessions/surfaces.ts'
import type { Terminals } from '../../src/sessions/terminals.ts'
import { Quarantines } from '../../src/sessions/quarantine.ts'
import type { Identity, Logger } from '../../src/sessions/socket-session.ts'
import { ChatSessions } from '../../src/turns/chat-sessions.ts'
import { LocalFeed } from '../../src/turns/feed.ts'
import { LiveTurns } from '../../src/turns/live-turns.ts'
import { recallQueues, startNext } from '../../src/turns/message-queue.ts'
import { infoOf } from '../../src/turns/session-info.ts'
import { Steering } from '../../src/turns/steering.ts'
import type { Turn } from '../../src/turns/turn.ts'
import type { DroneRecord, FlushBatch, TurnStore } from '../../src/turns/turn-store.ts'
import { WorkOrders } from '../../src/turns/work-orders.ts'
import { DRONE_WAITS, LIFE, LIMITS, RELAY_WAITS, SIZES, USER } from './model-config.ts'
import { ModelRooms } from './model-socket.ts'
import type { ModelSocket } from './model-socket.ts'
import type { Process } from './process.ts'

interface ModelRelayOptions {
  readonly nodeId: string
  readonly process: Process
  readonly store: TurnStore
  readonly logger: Logger
  readonly random: () => number
}

/** No drone of the model asks anything. */
const NO_PERMISSIONS = {
  ask: () => Promise.reject(new Error('nobody asks')),
  choose: () => Promise.reject(new Error('nothing was asked')),
  openOf: () => [],
  onTold: () => undefined,
  repeat: () => undefined,
  forget: () => undefined,
  recall: () => Promise.resolve(),
}

/** None shows or does anything beside turns. */
const NO_SURFACES = { catalogOf: () => [], ofSession: () => [] } as unknown as Surfaces
const NO_TERMINALS = { headsOf: () => [], ofSession: () => [], lost: () => undefined } as unknown as Terminals
const NO_COMMANDS = { forWelcome: () => [] } as unknown as Commands

/** One relay process without its sockets: the same parts as in `createRelay`, told the same of one another. */
export class ModelRelay {
  readonly nodeId: string
  readonly process: Process
  readonly rooms = new ModelRooms()
  readonly feed = new LocalFeed()
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly directory: Directory
  readonly droneWorld: DroneWorld
  readonly codeWorld: CodeWorld
  readonly #options: ModelRelayOptions
  ready = false

  constructor(options: ModelRelayOptions) {
    const { nodeId, process: clock, store, logger, random } = options
    this.#options = options
    this.nodeId = nodeId
    this.process = clock
    const { feed } = this
    const sessions = new ChatSessions({ store, feed, clock })
    const turns = new LiveTurns({
      store,
      sessions,
      feed,
      clock,
      logger,
      policy: LIFE,
      infoOf: (session) => infoOf(directory, session),
      ...SIZES.turns,
    })
    const quarantines = new Quarantines({
      store,
      logger,
      now: () => clock.now(),
      quarantineAfter: Number.POSITIVE_INFINITY,
      onChanged: () => undefined,
    })
    const directory = new Directory({
      clock,
      graceMs: DRONE_WAITS.graceMs,
      quarantineOf: () => undefined,
      turnsOf: (id) => turns.ofDrone(id),
    })
    const orders = new WorkOrders({ store, turns, seats: directory, clock, random, logger, ...RELAY_WAITS })
    const rooms = new CodeRooms(this.rooms.asNamespace())
    const rounds = new Rounds(clock)
    const followers = new Followers({
      feed,
      store,
      tail: (turnId) => Promise.resolve(turns.tail(turnId)),
      rooms,
      clock,
      rounds,
      logger,
      ...SIZES.followers,
    })
    const permissions = NO_PERMISSIONS
    const steering = new Steering({ store, turns, sessions, seats: directory, clock, logger })
    const shared = {
      store,
      turns,
      orders,
      permissions,
      steering,
      directory,
      sessions,
      feed,
      clock,
      limits: LIMITS,
      nodeId,
    }
    this.droneWorld = {
      ...shared,
      rounds,
      quarantines,
      surfaces: NO_SURFACES,
      terminals: NO_TERMINALS,
      onManifest: () => undefined,
      ...DRONE_WAITS,
    }
    this.codeWorld = {
      ...shared,
      policy: LIFE,
      followers,
      joinEveryMs: SIZES.joinEveryMs,
      checkOpen: () => undefined,
      opened: () => undefined,
      onIdle: (id) => this.#startNext(id),
      surfaces: NO_SURFACES,
      terminals: NO_TERMINALS,
      opening: new Once(),
      commands: () => NO_COMMANDS,
      routing: { route: (_userId, _session, message) => ({ message }) },
      attachmentsBytes: 0,
    }
    this.turns = turns
    this.orders = orders
    this.directory = directory
    linkConsequences({
      indexer: { ended: () => undefined },
      turns,
      orders,
      permissions,
      steering,
      onIdle: (id) => this.#startNext(id),
      directory,
      quarantines,
      graceMs: DRONE_WAITS.graceMs,
      onDroneChanged: () => undefined,
    })
  }

  /** Takes over what has not ended; again until the store has answered everything. */
  async begin(): Promise<void> {
    const { process: clock, ...options } = this.#options
    const { turns, orders, directory } = this
    const { sessions } = this.codeWorld
    const { quarantines } = this.droneWorld
    const permissions = NO_PERMISSIONS
    const parts = { ...options, clock, sessions, turns, orders, permissions, directory, quarantines }
    const prepare = (): Promise<void> => Promise.resolve()
    const queues = (): Promise<void> => recallQueues(this.codeWorld)
    this.ready = await begin({ ...parts, isStopping: () => !clock.alive, prepare, recallQueues: queues })
  }

  #startNext(chatSessionId: string): void {
    startNext(this.codeWorld, chatSessionId).catch((error: unknown) =>
      this.#options.logger.error('The next message could not be started.', { error }),
    )
  }

  /** A drone connects: registered first, as in the handshake. Fails where the store does not answer. */
  async enterDrone(socket: ModelSocket, registration: Registration & { droneId: string }): Promise<void> {
    const { store, process: clock } = this.#options
    const { droneId } = registration
    const known = await store.readDrone(droneId)
    const record: DroneRecord = {
      registrationId: droneId,
      userId: USER,
      droneId,
      registration,
      firstSeenAt: clock.now(),
      lastSeenAt: clock.now(),
      replacedInstances: [],
    }
    if (known?.registration.instanceId !== registration.instanceId) await store.saveDrone(record)
    if (!socket.connected) return
    const session = new DroneSession({ ...this.#base(socket, 'drone'), world: this.droneWorld, record })
    session.welcome()
    this.directory.seat(record, session)
  }

  enterCode(socket: ModelSocket): void {
    const session = new CodeSession({ ...this.#base(socket, 'code'), world: this.codeWorld, original: false })
    session.welcome([])
  }

  /** Tells a drone that this much is stored, whether it is or not. */
  acknowledge(turn: Turn, { attempt, lanes }: FlushBatch): void {
    const heads = lanes.map(({ after }) => ({ lane: after.name, offset: after.length }))
    this.#seatOf(turn.state.assigned?.registrationId)?.stored(turn, attempt, heads)
  }

  #base(socket: ModelSocket, kind: Identity['kind']) {
    const { logger, process: clock } = this.#options
    return {
      socket: socket.asSocket(),
      identity: { keyId: kind, kind, userId: USER },
      logger,
      ticks: () => clock.ticks(),
      frozenMs: DRONE_WAITS.frozenMs,
      onFrozen: () => undefined,
      onClosed: () => undefined,
    }
  }

  #seatOf(registrationId: string | undefined): DroneSession | undefined {
    const drone = registrationId === undefined ? undefined : this.directory.get(registrationId)
    return drone instanceof DroneSession ? drone : undefined
  }
}
