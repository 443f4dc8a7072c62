import { randomUUID } from 'node:crypto'
import type { DroneWelcome, Limits } from '../protocol/drone-down.ts'
import type { DroneUp } from '../protocol/drone-up.ts'
import { PROTOCOL_VERSION } from '../protocol/handshake.ts'
import type { Manifest, Registration } from '../protocol/handshake.ts'
import { systemClock } from '../turns/clock.ts'
import { Announcements } from './announcements.ts'
import { Connection } from './connection.ts'
import type { FinalRefusal } from './connection.ts'
import { Delivery } from './delivery.ts'
import type { Answer } from './delivery.ts'
import { DroneRequests } from './drone-requests.ts'
import type { DroneCommand, ShownSurface, SurfaceAction } from './drone-requests.ts'
import type { DroneWork, WorkDesk } from './drone-work.ts'
import type { DroneTerminal, ShownTerminal } from './drone-terminal.ts'
import { DroneTerminals } from './drone-terminals.ts'
import type { OpenTerminal } from './drone-terminals.ts'
import { hearRelay } from './hear-relay.ts'
import type { RelayRefusal } from './hear-relay.ts'
import { OrderIntake } from './order-intake.ts'
import { Questions } from './questions.ts'
import type { WorkHandler } from './work.ts'
import { Works } from './works.ts'

/** What a stopping drone may take to deliver what it has said. */
const STOP_MS = 8000
/** What the relay may take to answer the last thing that a stopping drone says. */
const LAST_ANSWER_MS = 1000

/** How long the relay may take to store what is said unasked before it is asked again, and the pause after a refusal. */
const SAY_MS = 10_000
const SAY_AGAIN_MS = 1000

type Said = Parameters<DroneUp['say']>[0]
type Compacted = Parameters<DroneUp['session:compacted']>[0]

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
  /** Does one of the commands that its manifest offers; what it returns is the answer, what it throws the refusal. */
  readonly onCommand?: (command: DroneCommand) => unknown
  /** Opens a terminal (`openTerminal`) that somebody asked for; without it nobody is given one. What it throws is the refusal. */
  readonly onTerminal?: OpenTerminal
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
  readonly #works = new Works()
  readonly #delivery: Delivery
  readonly #intake: OrderIntake
  readonly #questions: Questions
  readonly #announcements: Announcements
  readonly #requests: DroneRequests
  readonly #terminals: DroneTerminals
  #limits: Limits | undefined
  /** What it offers, as last said: a connection begins with it. */
  #offered: Manifest = {}
  #heartbeat: ReturnType<typeof setInterval> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: DroneClientOptions) {
    this.#options = options
    this.#connection = new Connection({
      url: options.url,
      namespace: '/drone',
      auth: () => ({
        token: options.token,
        protocol: PROTOCOL_VERSION,
        registration: { ...options.registration, ...this.#offered, instanceId: this.instanceId },
      }),
      isUrgent: () => this.#works.size > 0,
      onWelcome: (welcome) => this.#welcomed(welcome),
      onDown: () => this.#down(),
      onFinal: (refusal) => this.#refused(refusal),
    })
    const connection = this.#connection
    const wire = {
      get up() {
        return connection.up
      },
      emit: (name: string, ...args: unknown[]) => this.#emit(name, ...args),
      ask: (withinMs: number, name: string, ...args: unknown[]) => this.#ask(withinMs, name, ...args),
    }
    this.#announcements = new Announcements((name, payload, answered) => this.#emit(name, payload, answered))
    this.#requests = new DroneRequests({ announcements: this.#announcements, onCommand: options.onCommand })
    this.#terminals = new DroneTerminals(wire, options.onTerminal)
    this.#questions = new Questions({ wire, clock: systemClock })
    this.#delivery = new Delivery({
      works: this.#works,
      clock: systemClock,
      wire,
      onOver: (work, reason) => this.#drop(work, reason),
    })
    this.#intake = new OrderIntake({
      stateDir: options.stateDir,
      instanceId: this.instanceId,
      works: this.#works,
      deskOf: () => this.#deskOf(),
      onWorkOrder: options.onWorkOrder,
      drop: (work, reason) => this.#drop(work, reason),
    })
    hearRelay(connection.socket, {
      works: this.#works,
      delivery: this.#delivery,
      intake: this.#intake,
      questions: this.#questions,
      requests: this.#requests,
      terminals: this.#terminals,
      drop: (work, reason) => this.#drop(work, reason),
      mayLeave: (mode, reason) => options.onTermination?.(mode, reason) ?? true,
      leave: (mode, reason) => void this.#leave(mode, reason),
      refused: (error) => this.#answered(error),
    })
  }

  /** Reads what earlier processes left behind and connects; resolves at once, reconnects for ever. */
  async start(): Promise<void> {
    await this.#intake.readLeft()
    this.#connection.open()
  }

  /** The turns whose orders are accepted and not over. */
  get turns(): string[] {
    return this.#works.turnIds
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
    this.#offered = manifest
    this.#announcements.say('manifest', 'manifest', manifest, { lasts: true })
  }

  /** Later orders of the chat session to this drone carry this id of the agent's own session. */
  agentSession(chatSessionId: string, agentSessionId: string): void {
    const payload = { chatSessionId, agentSessionId }
    this.#announcements.say(`agent session of ${chatSessionId}`, 'agentSession', payload)
  }

  /** The agent has made a conversation shorter: later orders of it begin with the summary. */
  compacted(compacted: Compacted): void {
    this.#announcements.say(`compaction of ${compacted.chatSessionId}`, 'session:compacted', compacted)
  }

  /** Shows something beside words, until it is hidden or shown otherwise; `onAction` hears what people press. */
  show(surface: ShownSurface, onAction?: (action: SurfaceAction) => unknown): void {
    this.#requests.show(surface, onAction)
  }

  hide(surfaceId: string): void {
    this.#requests.hide(surfaceId)
  }

  /** Shows what a program in a terminal says; the answer is written to, resized and ended as that is. */
  openTerminal(shown: ShownTerminal): DroneTerminal {
    return this.#terminals.open(shown)
  }

  /**
   * Speaks unasked: a turn without prompt in that chat session. Resolves once it is stored, however often the connection
   * breaks; rejects where the relay refuses it, as with `turn_in_progress` while a turn is live.
   */
  async say(said: Omit<Said, 'messageId'>): Promise<{ turnId: string }> {
    const payload = { ...said, messageId: randomUUID() }
    for (;;) {
      await this.#connection.whenUp()
      const answer = await this.#ask(SAY_MS, 'say', payload).catch(() => undefined)
      if (answer?.ok) return { turnId: (answer as Answer & { turnId: string }).turnId }
      const { code, message = 'The relay did not take it.', retryable, retryAfterMs } = answer?.error ?? {}
      const isOver = code === 'turn_in_progress' || (code !== undefined && !retryable)
      if (isOver) throw new Error(`${message} (${code})`)
      if (answer) await new Promise((resolve) => setTimeout(resolve, retryAfterMs ?? SAY_AGAIN_MS))
    }
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
    this.#intake.close()
    for (const work of this.#works.all()) {
      work.interrupt(reason)
      void work.complete(false, reason)
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, deliverMs)))
    await Promise.race([this.#allSaid(), late])
    clearTimeout(timer)
    clearInterval(this.#heartbeat)
    this.#connection.close()
    this.#works.giveRoom()
  }

  /** Every turn has its end, and the relay has read what was said besides: it answers in order. */
  async #allSaid(): Promise<void> {
    await this.#works.whenIdle()
    await this.#terminals.whenSettled()
    // A process that exits now leaves no file behind of a turn that has ended.
    await this.#intake.settled()
    if (this.#connection.up)
      await this.#ask(LAST_ANSWER_MS, 'heartbeat', { turns: [] }).catch(() => undefined)
  }

  #welcomed(welcome: DroneWelcome): void {
    this.#limits = welcome.limits
    this.#works.windowBytes = welcome.limits.windowBytes
    clearInterval(this.#heartbeat)
    this.#heartbeat = setInterval(() => this.#beat(), welcome.heartbeatIntervalMs)
    this.#reconcile(welcome)
    for (const { turnId, attempt, workspaceId, chatSessionId } of this.#intake.left) {
      this.#emit('requestCrashRecovery', { workspaceId, turnId, chatSessionId, attempt })
    }
    this.#announcements.welcomed()
    this.#beat()
    this.#delivery.welcomed(welcome.limits)
    this.#questions.welcomed()
    this.#terminals.welcomed(welcome)
    this.#options.onConnected?.(welcome)
  }

  /** What the relay holds of each turn: it goes on from there, or is not this drone's any more. */
  #reconcile({ turns }: DroneWelcome): void {
    const listed = new Map(turns.map((turn) => [turn.turnId, turn]))
    for (const work of this.#works.all()) {
      const turn = listed.get(work.order.turnId)
      if (turn?.attempt !== work.order.attempt) this.#drop(work, 'The turn is over, or somebody else has it.')
      else if (!work.outbox.reconnect(turn.lanes))
        this.#delivery.fail(work, 'The relay has lost words that it had stored.')
    }
    for (const { turnId, attempt, acknowledged } of turns) {
      if (this.#works.get(turnId) || this.#intake.isLeft(turnId) || !acknowledged) continue
      this.#emit('workOrderComplete', turnId, false, 'lost', { attempt, heads: [] })
    }
    // The checkpoints that would have given this room were lost with the last connection.
    this.#works.giveRoom()
  }

  #down(): void {
    clearInterval(this.#heartbeat)
    this.#delivery.down()
    this.#terminals.down()
    this.#options.onDisconnected?.()
  }

  /** The orders stay written down: the next process asks what became of them. */
  #refused(refusal: FinalRefusal): void {
    clearInterval(this.#heartbeat)
    for (const work of this.#works.all()) this.#works.drop(work, refusal.message)
    this.#options.onFinal?.(refusal)
  }

  #deskOf(): WorkDesk {
    const limits = this.#limits
    if (!limits) throw new Error('an order came before the welcome')
    return {
      limits,
      flushSoon: () => this.#delivery.flushSoon(),
      flushNow: () => this.#delivery.flushNow(),
      hasRoom: () => this.#works.hasRoom,
      sendUsage: (usage) => this.#delivery.usage(usage),
      ask: (work, request) => this.#questions.ask(work, request),
    }
  }

  #beat(): void {
    this.#emit('heartbeat', { turns: this.turns }, () => undefined)
  }

  #answered({ code, at }: RelayRefusal): void {
    const work = at && this.#works.of(at)
    if (!work) return
    if (code === 'fenced') this.#drop(work, 'The turn is over, or somebody else has it.')
    else if (code === 'invalid_payload' || code === 'payload_too_large')
      this.#delivery.fail(work, `The relay refused what was said (${code}).`)
  }

  #drop(work: DroneWork, reason: string): void {
    this.#delivery.forget(work)
    this.#intake.giveUp(work)
    if (this.#works.drop(work, reason)) this.#intake.forget(work.order.turnId)
  }

  async #leave(mode: 'now' | 'drain', reason: string): Promise<void> {
    if (mode === 'drain') await this.#works.whenIdle()
    await this.stop(reason)
    this.#options.onLeft?.(reason)
  }

  async #ask(withinMs: number, name: string, ...args: unknown[]): Promise<Answer> {
    return (await this.#connection.socket.timeout(withinMs).emitWithAck(name, ...args)) as Answer
  }

  #emit(name: string, ...args: unknown[]): void {
    if (this.#connection.up) this.#connection.socket.emit(name, ...args)
  }
}
