import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Config } from './config.ts'
import { LateApp } from './http/late-app.ts'
import { TerminalStreams } from './http/terminal-streams.ts'
import { RelayError } from './protocol/errors.ts'
import { Indexer } from './search/indexer.ts'
import { Access } from './sessions/access.ts'
import { begin } from './sessions/beginning.ts'
import { loadRoutingRules } from './routing-rules.ts'
import { CodeRooms } from './sessions/code-rooms.ts'
import type { CodeWorld } from './sessions/code-session.ts'
import { answerPermission } from './sessions/asking.ts'
import { Commands } from './sessions/commands.ts'
import { Connections } from './sessions/connections.ts'
import { linkConsequences } from './sessions/consequences.ts'
import { Directory } from './sessions/directory.ts'
import { DroneNews } from './sessions/drone-news.ts'
import { DroneSession } from './sessions/drone-session.ts'
import type { DroneWorld } from './sessions/drone-world.ts'
import { Followers } from './sessions/followers.ts'
import type { Gate } from './sessions/handshake.ts'
import { Quarantines } from './sessions/quarantine.ts'
import { OpsSession } from './sessions/ops-session.ts'
import { Operations } from './sessions/operations.ts'
import { sayFarewell } from './sessions/farewell.ts'
import type { Logger } from './sessions/socket-session.ts'
import { ChatSessions } from './turns/chat-sessions.ts'
import type { Clock } from './turns/clock.ts'
import { LocalFeed } from './turns/feed.ts'
import { abortTurn } from './turns/aborting.ts'
import { inTime } from './turns/in-time.ts'
import { LiveTurns } from './turns/live-turns.ts'
import { recallQueues, startNext } from './turns/message-queue.ts'
import { newId } from './turns/new-id.ts'
import { Rounds } from './sessions/rounds.ts'
import { socketServer } from './sessions/socket-server.ts'
import { infoOf } from './turns/session-info.ts'
import { Bucket } from './sessions/bucket.ts'
import { Once } from './sessions/once.ts'
import { Surfaces } from './sessions/surfaces.ts'
import { Terminals } from './sessions/terminals.ts'
import { statusNews } from './sessions/session-status.ts'
import { Permissions } from './turns/permissions.ts'
import { retryTurn } from './turns/retrying.ts'
import { Routing } from './turns/routing.ts'
import { Steering } from './turns/steering.ts'
import { TurnLimits } from './turns/turn-limits.ts'
import type { DroneRecord, TurnStore } from './turns/turn-store.ts'
import { WorkOrders } from './turns/work-orders.ts'

/** Bytes a second that terminals may say while turns are live, and how many at once: more than anybody reads. */
const TERMINALS_PER_SECOND = 8_388_608
const TERMINALS_BURST = 1_048_576
/** The store's answer to "are you there" may take this long before the relay says that it is not ready. */
const PING_MS = 2000
/** What a client that comes while the relay starts or stops is told to wait. */
const RETRY_AFTER_MS = 1000
/** What one that comes while it starts waits, up to twice this: a start is short, and those who wait have live turns. */
const STARTING_AGAIN_MS = 250

export interface RelayOptions {
  readonly config: Config
  readonly store: TurnStore
  readonly logger: Logger
  readonly clock: Clock
  readonly random?: () => number
  /** What has to be there before work is taken, beside what is unfinished: the first keys, say. */
  readonly prepare?: (access: Access) => Promise<void>
}

export interface Relay {
  readonly access: Access
  /** Listens, and resolves with the address; work is taken once `ready` has resolved. */
  start(): Promise<{ url: string; port: number }>
  /** Resolves when everything unfinished is taken over: however long the store keeps it waiting. */
  readonly ready: Promise<void>
  /** Flushes, says goodbye, closes. The store stays open: it is its opener's. */
  stop(): Promise<void>
}

/** The wiring: everything that runs in one relay process, and what is told to what. */
export function createRelay(options: RelayOptions): Relay {
  const { config, store, logger, clock, prepare, random = Math.random } = options
  const nodeId = newId(clock.now())
  const startedAt = new Date(clock.now()).toISOString()
  let ready = false
  let draining = false

  // --- turns: what is said, stored and told -------------------------------------------------------------------
  const feed = new LocalFeed()
  const sessions = new ChatSessions({
    store,
    feed,
    clock,
    onNews: (session, news) => {
      const status = statusNews(news)
      // Who watches it hears of its turns, and the sender of a message nothing before the answer.
      const watches = (id: string): boolean =>
        followers.find(session.chatSessionId)?.watcherOf(id) !== undefined
      if (status) rooms.toUser(session.userId, 'session:statusChanged', status, watches)
      surfaces.hear(session, news)
    },
  })
  const policy = { maxAttempts: config.maxAttempts, retryPolicy: config.retryPolicy }
  const turns = new LiveTurns({
    store,
    sessions,
    feed,
    clock,
    logger,
    infoOf: (session) => infoOf(directory, session),
    bounds: { partBytes: config.partBytes, maxUnstoredBytes: 2 * config.windowBytes },
    policy,
    checkpointMs: config.checkpointMs,
    checkpointBytes: config.checkpointBytes,
  })

  const indexer = new Indexer({ store, clock, random, logger })

  // --- drones: who is there, and what they are given ----------------------------------------------------------
  const quarantines = new Quarantines({
    store,
    logger,
    now: () => clock.now(),
    quarantineAfter: config.quarantineAfter,
    onChanged: (registrationId) => {
      const record = directory.recordOf(registrationId)
      if (record) droneNews.changed(record)
    },
  })
  const directory = new Directory({
    clock,
    graceMs: config.graceMs,
    quarantineOf: (id) => quarantines.standingOf(id).quarantine,
    turnsOf: (id) => turns.ofDrone(id),
  })
  const { retryFirstMs, retryLongestMs, queuedMs, askMs } = config
  const orders = new WorkOrders({
    store,
    turns,
    seats: directory,
    clock,
    random,
    logger,
    retryFirstMs,
    retryLongestMs,
    queuedMs,
    askMs,
  })
  const permissions = new Permissions({
    store,
    turns,
    sessions,
    clock,
    logger,
    permissionMs: config.permissionMs,
    tellDrone: (permission) => {
      const drone = directory.get(permission.registrationId)
      if (drone instanceof DroneSession) drone.resolved(permission)
    },
  })
  const routing = new Routing({ seats: directory, logger })
  const surfaces = new Surfaces({
    directory,
    sessions,
    toolBytes: config.toolBytes,
    tellUser: (userId, shown) => rooms.toUser(userId, 'catalog', { surfaces: shown }),
    tellRoom: (room, update) => rooms.toRoom(room, 'surface:update', update),
  })
  const terminals = new Terminals({
    sessions,
    feed,
    clock,
    logger,
    ringBytes: config.terminalRingBytes,
    store: store.terminals,
    hasLiveTurns: () => turns.all().next().done !== true,
    pace: new Bucket({
      perSecond: TERMINALS_PER_SECOND,
      capacity: TERMINALS_BURST,
      ticks: () => clock.ticks(),
    }),
  })
  const steering = new Steering({ store, turns, sessions, seats: directory, clock, logger })
  const { idleMs, wallMs, turnBytes, turnBlocks } = config
  const turnLimits = new TurnLimits({
    turns,
    orders,
    permissions,
    clock,
    idleMs,
    wallMs,
    turnBytes,
    turnBlocks,
  })
  const { textUnits, toolBytes, eventBytes, windowBytes, terminalRingBytes } = config
  const limits = { textUnits, toolBytes, eventBytes, windowBytes, terminalRingBytes }
  const { heartbeatIntervalMs, dispatchAckMs, terminationMs } = config
  const rounds = new Rounds(clock)
  const droneWorld: DroneWorld = {
    store,
    turns,
    orders,
    permissions,
    steering,
    directory,
    quarantines,
    sessions,
    feed,
    clock,
    rounds,
    surfaces,
    terminals,
    onManifest: (userId) => droneNews.offersChanged(userId),
    limits,
    nodeId,
    heartbeatIntervalMs,
    dispatchAckMs,
    terminationMs,
  }
  // --- sockets --------------------------------------------------------------------------------------------------
  const access = new Access({ store, clock })
  const http: HttpServer = createServer()
  const io = socketServer(http, config)
  const rooms = new CodeRooms(io.of('/code'))
  const followers = new Followers({
    feed,
    store,
    tail: (turnId) => Promise.resolve(turns.tail(turnId)),
    rooms,
    clock,
    rounds,
    logger,
    mergeMs: config.mergeMs,
    viewerBufferBytes: config.viewerBufferBytes,
  })
  const codeWorld: CodeWorld = {
    store,
    sessions,
    turns,
    orders,
    clock,
    policy,
    checkOpen: () => {
      if (draining) throw stopping()
    },
    nodeId,
    followers,
    permissions,
    steering,
    routing,
    feed,
    surfaces,
    terminals,
    opening: new Once(),
    commands: () => commands,
    onIdle: (chatSessionId) => {
      if (draining) return
      startNext(codeWorld, chatSessionId).catch((error: unknown) =>
        logger.error('The next message of a session could not be started.', { chatSessionId, error }),
      )
    },
    directory,
    limits,
    attachmentsBytes: config.attachmentsBytes,
    opened: (userId, chatSessionId, except) =>
      rooms.toUser(userId, 'session:opened', { chatSessionId }, (id) => id === except),
    joinEveryMs: config.joinEveryMs,
  }
  const commands: Commands = new Commands(codeWorld, (userId, all) =>
    rooms.toUser(userId, 'commands:manifest', { commands: all }),
  )
  const operations = new Operations({
    reload: async () => {
      await loadRoutingRules(routing, config.routingRules, logger)
      const what = ['rules', 'keys']
      rooms.toAll('system:reload', { what })
      return what
    },
    store,
    directory,
    quarantines,
    orders,
    clock,
    node: () => ({ nodeId, startedAt, draining }),
  })
  const gate: Gate = {
    access,
    store,
    clock,
    quarantines,
    logger,
    closedFor: () => {
      if (draining) return stopping()
      if (ready) return undefined
      const retryAfterMs = Math.round(STARTING_AGAIN_MS * (1 + random()))
      return new RelayError('store_unavailable', 'The relay is starting.', { retryAfterMs })
    },
  }

  const connections = new Connections({
    io,
    access,
    gate,
    droneWorld,
    codeWorld,
    operations,
    frozenMs: config.frozenMs,
  })

  // --- what follows from what ---------------------------------------------------------------------------------
  const droneNews = new DroneNews({
    clock,
    viewOf: (record) => directory.viewOf(record),
    tellUser: (userId, view) => rooms.toUser(userId, 'drone:changed', view),
    tellOffers: (userId) => commands.changed(userId),
    tellFleet: () => {
      const fleet = operations.fleet()
      for (const session of connections.all()) if (session instanceof OpsSession) session.changed(fleet)
    },
  })
  linkConsequences({
    turns,
    orders,
    permissions,
    steering,
    onIdle: codeWorld.onIdle,
    indexer,
    directory,
    quarantines,
    graceMs: config.graceMs,
    onDroneChanged: (record) => onDroneChanged(record),
  })

  const onDroneChanged = (record: DroneRecord): void => {
    droneNews.changed(record)
    if (!directory.get(record.registrationId)) surfaces.gone(record)
    if (directory.stateOf(record) === 'gone') terminals.lost(record.registrationId)
    else terminals.lost(record.registrationId, record.registration)
  }

  // --- http -----------------------------------------------------------------------------------------------------
  const app = new LateApp({
    ...codeWorld,
    ops: operations,
    access,
    logger,
    retry: async (userId, turnId) => {
      codeWorld.checkOpen()
      return retryTurn(codeWorld, userId, turnId)
    },
    abort: (userId, turnId) => abortTurn(codeWorld, userId, turnId),
    choose: (userId, choice) => answerPermission(codeWorld, userId, choice),
    notReady: async () => {
      if (draining) return 'The relay is stopping.'
      if (!ready) return 'The relay is starting.'
      const answers = turns.storeHealthy && (await inTime(clock, PING_MS, store.ping()))
      return answers ? undefined : 'The store does not answer.'
    },
  })
  http.on('request', (request, response) => {
    if (request.url?.startsWith('/socket.io/') !== true) app.handle(request, response)
  })
  const streams = new TerminalStreams({ ...codeWorld, ...config, gate })
  http.on('upgrade', (request, socket, head) => {
    // Where Socket.IO takes no WebSockets, it does not end what nobody takes either.
    if (!streams.handle(request, socket, head) && !config.transports.includes('websocket')) socket.destroy()
  })

  // --- start and stop -------------------------------------------------------------------------------------------
  let resolveReady: () => void = () => undefined
  const whenReady = new Promise<void>((resolve) => (resolveReady = resolve))
  const takeWork = async (): Promise<void> => {
    if (config.routingRules !== '') await loadRoutingRules(routing, config.routingRules, logger)
    const prepared = async (): Promise<void> => prepare?.(access)
    const parts = {
      store,
      sessions,
      turns,
      orders,
      permissions,
      directory,
      quarantines,
      nodeId,
      clock,
      random,
      logger,
      isStopping: () => draining,
      prepare: prepared,
      recallQueues: () => recallQueues(codeWorld),
    }
    if (!(await begin(parts))) return
    ready = true
    turnLimits.start()
    indexer.recall()
    resolveReady()
    // Whoever asks first need not wait for it; if it fails, that one is told.
    setImmediate(() => void app.prepare().catch(() => undefined))
  }

  return {
    access,
    ready: whenReady,
    async start() {
      await listen(http, config.host, config.port)
      const { port } = http.address() as AddressInfo
      const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
      logger.info('The relay listens.', { url })
      void takeWork()
      return { url, port }
    },
    async stop() {
      draining = true
      const actors = [orders, turnLimits, permissions, indexer]
      const tellers = [sessions, directory, followers, droneNews, terminals, streams]
      const { stopMs } = config
      await sayFarewell({ io, connections, turns, actors, tellers, clock, random, logger, stopMs })
      http.closeAllConnections()
    },
  }
}

function stopping(): RelayError {
  return new RelayError('draining', 'The relay is stopping.', { retryAfterMs: RETRY_AFTER_MS })
}

function listen(http: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      resolve()
    })
  })
}
