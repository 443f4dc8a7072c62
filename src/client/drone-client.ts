import { randomUUID } from 'node:crypto'
import type { DroneWelcome, Limits, WorkOrder } from '../protocol/drone-down.ts'
import type { Usage } from '../protocol/drone-up.ts'
import { PROTOCOL_VERSION } from '../protocol/handshake.ts'
import type { Manifest, Registration } from '../protocol/handshake.ts'
import type { Position } from '../protocol/position.ts'
import { wireEntry } from '../turns/wire-entry.ts'
import { AcceptedOrders } from './accepted-orders.ts'
import type { AcceptedOrder } from './accepted-orders.ts'
import { Connection } from './connection.ts'
import type { FinalRefusal } from './connection.ts'
import { DroneWork } from './drone-work.ts'
import type { WorkDesk } from './drone-work.ts'
import type { Steer, WorkHandler } from './work.ts'

/** How long the relay may take to say that an end is stored before it is said again. */
const COMPLETE_ACK_MS = 10_000
/** The pause before a completion that was not taken is tried again. */
const COMPLETE_AGAIN_MS = 200
/** What a stopping drone may take to deliver what it has said. */
const STOP_MS = 8000

interface Answer {
  readonly ok: boolean
  readonly error?: { readonly code: string; readonly message: string; readonly retryable?: boolean }
}

export interface DroneClientOptions {
  /** `http://host:port` of the relay. */
  readonly url: string
  /** A drone's key. */
  readonly token: string
  readonly registration: Omit<Registration, 'instanceId'>
  readonly onWorkOrder: WorkHandler
  /** Where accepted orders are written down, so that a restarted process can ask about them. */
  readonly stateDir: string
  /** May the relay have this drone leave? It does so after a yes. By default it may. */
  readonly onTermination?: (mode: 'now' | 'drain', reason: string) => boolean
  readonly onConnected?: (welcome: DroneWelcome) => void
  readonly onDisconnected?: () => void
  /** It was asked to leave, and has. */
  readonly onLeft?: (reason: string) => void
  /** The relay will not have this drone: wrong key, superseded, terminated. */
  readonly onFinal?: (refusal: FinalRefusal) => void
}

/**
 * A drone's side of the relay. It takes work orders, keeps everything said until the relay has stored it, and lets go
 * of nothing because a connection did. One process is one instance: make one client a process.
 */
export class DroneClient {
  readonly instanceId = randomUUID()
  readonly #options: DroneClientOptions
  readonly #connection: Connection<DroneWelcome>
  readonly #orders: AcceptedOrders
  readonly #works = new Map<string, DroneWork>()
  #left = new Map<string, AcceptedOrder>()
  #limits: Limits | undefined
  #heartbeat: ReturnType<typeof setInterval> | undefined
  #manifest: Manifest | undefined
  #flushing = false
  #stopping: Promise<void> | undefined
  #resolveIdle: (() => void) | undefined

  constructor(options: DroneClientOptions) {
    this.#options = options
    this.#orders = new AcceptedOrders(options.stateDir)
    this.#connection = new Connection({
      url: options.url,
      namespace: '/drone',
      auth: () => ({
        token: options.token,
        protocol: PROTOCOL_VERSION,
        registration: { ...options.registration, instanceId: this.instanceId },
      }),
      isUrgent: () => this.#works.size > 0,
      onWelcome: (welcome) => this.#welcomed(welcome),
      onDown: () => this.#down(),
      onFinal: (refusal) => this.#refused(refusal),
    })
    this.#listen()
  }

  /** Reads what earlier processes left behind and connects; resolves at once, reconnects for ever. */
  async start(): Promise<void> {
    const left = await this.#orders.list()
    this.#left = new Map(left.map((order) => [order.turnId, order]))
    this.#connection.open()
  }

  /** The turns whose orders are accepted and not over. */
  get turns(): string[] {
    return [...this.#works.keys()]
  }

  status(message: string): void {
    this.#emit('status', message)
  }

  log(level: string, component: string, message: string, metadata?: object): void {
    this.#emit('log', new Date().toISOString(), component, level, message, metadata ?? null)
  }

  workspaceModeChanged(mode: string): void {
    this.#emit('workspaceModeChanged', mode)
  }

  /** What this drone offers from now on; said again on every connection. */
  manifest(manifest: Manifest): void {
    this.#manifest = manifest
    this.#emit('manifest', manifest)
  }

  /** Later orders of the chat session to this drone carry this id of the agent's own session. */
  agentSession(chatSessionId: string, agentSessionId: string): void {
    this.#emit('agentSession', { chatSessionId, agentSessionId })
  }

  /**
   * Stops: works are told to, what was said is delivered and each turn ended, within `deliverMs`; then it disconnects.
   * A turn that could not be ended in time is asked about by the next process.
   */
  stop(reason = 'The drone was stopped.', deliverMs = STOP_MS): Promise<void> {
    this.#stopping ??= this.#stop(reason, deliverMs)
    return this.#stopping
  }

  async #stop(reason: string, deliverMs: number): Promise<void> {
    for (const work of this.#works.values()) {
      work.interrupt(reason)
      void work.complete(false, reason)
    }
    if (this.#works.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deliverMs)
        this.#resolveIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    clearInterval(this.#heartbeat)
    this.#connection.close()
    this.#giveRoom()
  }

  #listen(): void {
    const { socket } = this.#connection
    socket.on(
      'processWorkOrder',
      (order: WorkOrder, ack?: (answer: Answer) => void) => void this.#accept(order, ack),
    )
    socket.on('checkpoint', ({ turnId, attempt, lane, offset }: Position) => {
      const work = this.#workOf(turnId, attempt)
      work?.outbox.checkpoint(lane ?? '', offset)
      this.#giveRoom()
    })
    socket.on('rewind', ({ turnId, attempt, lane, offset }: Position) => {
      const work = this.#workOf(turnId, attempt)
      if (!work) return
      if (!work.outbox.rewind(lane ?? '', offset))
        this.#fail(work, 'What was said could not be brought to the relay.')
      this.#flushSoon()
    })
    socket.on('steer', ({ turnId, ...steer }: Steer & { turnId: string }, ack?: (answer: Answer) => void) => {
      this.#works.get(turnId)?.steered(steer)
      ack?.({ ok: this.#works.has(turnId) })
    })
    socket.on('abortWorkOrder', ({ turnId, attempt }: Position, ack?: (stopped: boolean) => void) => {
      const work = this.#workOf(turnId, attempt)
      if (work) this.#drop(work, 'The turn was stopped.')
      ack?.(true)
    })
    socket.on('crashRecoveryResponse', ({ turnId }: { turnId: string }) => {
      // Retried, the order comes again of itself; discarded, it is forgotten. Either way it is asked about no more.
      this.#left.delete(turnId)
      if (!this.#works.has(turnId)) void this.#orders.remove(turnId)
    })
    socket.on(
      'requestTermination',
      (request: { mode?: 'now' | 'drain'; reason?: string } | null, ack?: (yes: boolean) => void) => {
        const mode = request?.mode ?? 'now'
        const reason = request?.reason ?? 'An operator asked the drone to leave.'
        const leaves = this.#options.onTermination?.(mode, reason) ?? true
        ack?.(leaves)
        if (leaves) void this.#leave(mode, reason)
      },
    )
    socket.on('error', (error: { code?: string; event?: string; message?: string; at?: Position }) =>
      this.#answered(error),
    )
  }

  #welcomed(welcome: DroneWelcome): void {
    this.#limits = welcome.limits
    clearInterval(this.#heartbeat)
    this.#heartbeat = setInterval(() => this.#beat(), welcome.heartbeatIntervalMs)
    const listed = new Map(welcome.turns.map((turn) => [turn.turnId, turn]))
    for (const work of this.#works.values()) {
      const turn = listed.get(work.order.turnId)
      if (turn?.attempt !== work.order.attempt) this.#drop(work, 'The turn is over, or somebody else has it.')
      else if (!work.outbox.reconnect(turn.lanes))
        this.#fail(work, 'The relay has lost words that it had stored.')
    }
    for (const turn of welcome.turns) {
      if (this.#works.has(turn.turnId) || this.#left.has(turn.turnId) || !turn.acknowledged) continue
      this.#emit('workOrderComplete', turn.turnId, false, 'lost', { attempt: turn.attempt, heads: [] })
    }
    for (const { turnId, attempt, workspaceId, chatSessionId } of this.#left.values()) {
      this.#emit('requestCrashRecovery', { workspaceId, turnId, chatSessionId, attempt })
    }
    if (this.#manifest) this.#emit('manifest', this.#manifest)
    this.#beat()
    this.#flushSoon()
    this.#options.onConnected?.(welcome)
  }

  #down(): void {
    clearInterval(this.#heartbeat)
    for (const work of this.#works.values()) work.completing = false
    this.#options.onDisconnected?.()
  }

  #refused(refusal: FinalRefusal): void {
    clearInterval(this.#heartbeat)
    for (const work of this.#works.values()) work.over(refusal.message)
    this.#works.clear()
    this.#giveRoom()
    this.#resolveIdle?.()
    this.#options.onFinal?.(refusal)
  }

  async #accept(order: WorkOrder, ack: ((answer: Answer) => void) | undefined): Promise<void> {
    const { turnId, attempt, workspaceId, chatSessionId } = order
    const known = this.#works.get(turnId)
    if (known?.order.attempt === attempt) {
      ack?.({ ok: true })
      return
    }
    if (this.#stopping) {
      ack?.({ ok: false, error: { code: 'drone_busy', message: 'The drone is stopping.' } })
      return
    }
    if (known) this.#drop(known, 'The turn has a later attempt.')
    const work = new DroneWork(order, this.#deskOf())
    this.#works.set(turnId, work)
    this.#left.delete(turnId)
    try {
      await this.#orders.add({ turnId, attempt, workspaceId, chatSessionId, instanceId: this.instanceId })
    } catch (error) {
      this.#drop(work, 'The order could not be written down.')
      ack?.({
        ok: false,
        error: { code: 'internal', message: `The order could not be written down: ${String(error)}` },
      })
      return
    }
    ack?.({ ok: true })
    if (!work.isOver) void this.#do(work)
  }

  async #do(work: DroneWork): Promise<void> {
    try {
      await this.#options.onWorkOrder(work)
      if (!work.signal.aborted) void work.complete(true)
    } catch (error) {
      void work.complete(false, error instanceof Error ? error.message : String(error))
    }
  }

  #deskOf(): WorkDesk {
    const limits = this.#limits
    if (!limits) throw new Error('an order came before the welcome')
    return {
      limits,
      flushSoon: () => this.#flushSoon(),
      hasRoom: () => this.#hasRoom(),
      sendUsage: (usage: Usage) => this.#emit('usage', usage),
    }
  }

  #hasRoom(): boolean {
    let bytes = 0
    for (const work of this.#works.values()) bytes += work.outbox.bytes
    return bytes <= (this.#limits?.windowBytes ?? 0)
  }

  #giveRoom(): void {
    if (this.#hasRoom()) for (const work of this.#works.values()) work.goOn()
  }

  /** What is said in one go leaves as one piece. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const limits = this.#limits
    if (!this.#connection.up || !limits) return
    for (const work of this.#works.values()) {
      const { turnId, attempt } = work.order
      work.outbox.flush(limits, (lane, placed) => {
        const { name, args } = wireEntry({ turnId, attempt, lane }, placed)
        this.#connection.socket.emit(name, ...args)
        return true
      })
      if (work.completion && !work.outbox.hasUnsent && !work.completing) void this.#complete(work)
    }
  }

  async #complete(work: DroneWork): Promise<void> {
    const { completion, order } = work
    if (!completion) return
    work.completing = true
    const detail = { attempt: order.attempt, heads: work.heads() }
    const { success, message } = completion
    const socket = this.#connection.socket.timeout(COMPLETE_ACK_MS)
    try {
      const answer = (await socket.emitWithAck(
        'workOrderComplete',
        order.turnId,
        success,
        message ?? null,
        detail,
      )) as Answer
      const code = answer.error?.code
      if (answer.ok || code === 'fenced' || code === 'not_found') this.#drop(work, 'The turn has ended.')
      else if (answer.error?.retryable !== true && completion.success) {
        work.completion = { success: false, message: answer.error?.message }
      }
    } catch {
      // No answer: the connection is gone or slow. It is asked again; the first end wins.
    }
    work.completing = false
    if (!work.isOver) setTimeout(() => this.#flushSoon(), COMPLETE_AGAIN_MS)
  }

  #beat(): void {
    if (!this.#connection.up) return
    this.#connection.socket.emit('heartbeat', { turns: this.turns }, () => undefined)
  }

  #answered({ code, at }: { code?: string; at?: Position }): void {
    const work = at && this.#workOf(at.turnId, at.attempt)
    if (!work) return
    if (code === 'fenced') this.#drop(work, 'The turn is over, or somebody else has it.')
    else if (code === 'invalid_payload' || code === 'payload_too_large') {
      this.#fail(work, `The relay refused what was said (${code}).`)
    }
  }

  /** Ends a turn that cannot go on: the words are not all there, so there is no success. */
  #fail(work: DroneWork, message: string): void {
    work.interrupt(message)
    work.completion = { success: false, message }
    if (!work.completing && this.#connection.up) void this.#complete(work)
  }

  #drop(work: DroneWork, reason: string): void {
    const { turnId } = work.order
    if (this.#works.get(turnId) === work) {
      this.#works.delete(turnId)
      void this.#orders.remove(turnId)
    }
    work.over(reason)
    this.#giveRoom()
    if (this.#works.size === 0) this.#resolveIdle?.()
  }

  async #leave(mode: 'now' | 'drain', reason: string): Promise<void> {
    if (mode === 'drain' && this.#works.size > 0) {
      await new Promise<void>((resolve) => (this.#resolveIdle = resolve))
    }
    await this.stop(reason)
    this.#options.onLeft?.(reason)
  }

  #workOf(turnId: string, attempt: number): DroneWork | undefined {
    const work = this.#works.get(turnId)
    return work?.order.attempt === attempt ? work : undefined
  }

  #emit(name: string, ...args: unknown[]): void {
    if (this.#connection.up) this.#connection.socket.emit(name, ...args)
  }
}
