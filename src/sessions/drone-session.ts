import type { DroneDown, WorkOrder } from '../protocol/drone-down.ts'
import { droneUp } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ArgsOf } from '../protocol/event.ts'
import type { Manifest } from '../protocol/handshake.ts'
import type { LaneHead, Position } from '../protocol/position.ts'
import type { Json } from '../protocol/values.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import { infoOf } from '../turns/session-info.ts'
import type { Entry } from '../turns/entry.ts'
import type { LiveName } from '../turns/feed.ts'
import { hasLabels } from '../turns/routing.ts'
import { say } from '../turns/saying.ts'
import type { Seat, Wanted } from '../turns/seat.ts'
import type { Turn } from '../turns/turn.ts'
import type { DroneRecord, PermissionRecord } from '../turns/turn-store.ts'
import { compact } from '../turns/compacting.ts'
import { askPermission, resolutionOf } from './asking.ts'
import { complete } from './completion.ts'
import { recoveryOf } from './crash-recovery.ts'
import type { SeatedDrone, TerminalQuestions } from './directory.ts'
import { callEntry, resultEntry, textEntry } from './drone-entries.ts'
import { DRONE_RULES } from './drone-rules.ts'
import { DroneQuestions } from './drone-questions.ts'
import { terminalHandlers } from './drone-terminals.ts'
import type { DroneWorld } from './drone-world.ts'
import { fenced } from './fenced.ts'
import { MissedHeartbeats } from './missed-heartbeats.ts'
import { PlainDrone } from './plain-drone.ts'
import { PositionedDrone } from './positioned-drone.ts'
import { SocketSession } from './socket-session.ts'
import type { Handlers, SocketSessionOptions } from './socket-session.ts'

/** What a drone says of a turn that it acknowledged and does not know any more: it is no end. */
const LOST = 'lost'

export interface DroneSessionOptions extends SocketSessionOptions {
  readonly world: DroneWorld
  readonly record: DroneRecord
}

/** One drone's connection: what it says goes into its turns, and its orders come through here. */
export class DroneSession extends SocketSession<DroneDown> implements SeatedDrone {
  readonly record: DroneRecord
  readonly connectedAt: number
  lastHeardAt: number
  load: number | undefined
  #leaving = false
  /** What it offers: as registered, then as it says. */
  #manifest: Manifest
  readonly #world: DroneWorld
  readonly #plain: PlainDrone | undefined
  readonly #positioned: PositionedDrone
  readonly #questions: DroneQuestions
  readonly #missed = new MissedHeartbeats()
  #lastChatSessionId: string | undefined

  constructor(options: DroneSessionOptions) {
    super(options)
    const { world, record } = options
    this.#world = world
    this.record = record
    this.#manifest = record.registration
    this.connectedAt = world.clock.now()
    this.lastHeardAt = this.connectedAt
    if (this.instanceId === undefined) {
      this.#plain = new PlainDrone({ world, registrationId: this.registrationId, outlet: this.outlet })
    }
    const ownTurn = (turnId: string): Turn => this.#ownTurn(turnId)
    this.#positioned = new PositionedDrone({ world, outlet: this.outlet, ownTurn })
    this.#questions = new DroneQuestions({
      outlet: this.outlet,
      droneId: this.droneId,
      isPlain: this.#plain !== undefined,
      dispatchAckMs: world.dispatchAckMs,
      terminationMs: world.terminationMs,
    })
    this.listen(droneUp, DRONE_RULES, this.#handlers())
  }

  get registrationId(): string {
    return this.record.registrationId
  }

  get droneId(): string {
    return this.record.droneId
  }

  get userId(): string {
    return this.record.userId
  }

  get name(): string {
    return this.record.registration.name
  }

  get workspaceId(): string {
    return this.record.registration.workspaceId
  }

  get instanceId(): string | undefined {
    return this.record.registration.instanceId
  }

  get capacity(): number {
    return this.#plain ? 1 : (this.record.registration.capacity ?? 1)
  }

  get closed(): boolean {
    return this.#leaving || this.#world.quarantines.has(this.registrationId)
  }

  get occupied(): boolean {
    return this.#plain?.isOccupied ?? false
  }

  get manifest(): Manifest {
    return this.#manifest
  }

  get labels(): Readonly<Record<string, unknown>> {
    return this.record.registration.labels ?? {}
  }

  offers({ agent, model, labels = {} }: Wanted): boolean {
    const { agents, models } = this.#manifest
    return (
      hasLabels(this, labels) &&
      (agent === undefined || (agents ?? []).includes(agent)) &&
      (model === undefined || (models ?? []).some(({ id }) => id === model))
    )
  }

  /** The first event of the connection. */
  welcome(): void {
    const { nodeId, heartbeatIntervalMs, limits, directory, turns } = this.#world
    // What is not named is dropped by the drone: an end that is not stored yet might be lost, and with it its words.
    const mine = this.#mine(turns.storedOfDrone(this.registrationId))
    this.outlet.emit('welcome', {
      registrationId: this.registrationId,
      droneId: this.droneId,
      nodeId,
      heartbeatIntervalMs,
      limits,
      online: [...directory.ofUser(this.userId)].map(({ droneId }) => droneId),
      turns: mine.map((turn) => ({
        turnId: turn.turnId,
        attempt: turn.told.attempt,
        acknowledged: turn.state.assigned?.acknowledged ?? false,
        lanes: turn.storedHeads(),
      })),
      terminals: this.#world.terminals.headsOf(this),
    })
  }

  async sendOrder(order: WorkOrder): Promise<void> {
    this.#lastChatSessionId = order.chatSessionId
    this.#plain?.take(order.turnId)
    this.#missed.forget(order.turnId)
    await this.#questions.order(order)
  }

  abortOrder(turnId: string, attempt: number): void {
    this.#questions.abort(turnId, attempt)
  }

  steer(turnId: string, steer: { messageId: string; text: string }): Promise<SteerTaken> {
    return this.#questions.steer(turnId, steer)
  }

  pressed(action: Parameters<Seat['pressed']>[0]): Promise<void> {
    return this.#questions.pressed(action)
  }

  execute(command: Parameters<Seat['execute']>[0]): Promise<Json | undefined> {
    return this.#questions.execute(command)
  }

  get terminals(): TerminalQuestions {
    return this.#questions
  }

  async terminate(mode: 'now' | 'drain', reason: string): Promise<boolean> {
    const leaves = await this.#questions.terminate(mode, reason)
    if (leaves) this.#leaving = true
    return leaves
  }

  supersede(): void {
    this.outlet.end(new RelayError('superseded', `Drone ${this.droneId} has connected again elsewhere.`))
  }

  /** What came of a question that it has asked. */
  resolved(permission: PermissionRecord): void {
    this.outlet.emit('permission:resolved', resolutionOf(permission))
  }

  /** The store has the words up to `heads`. */
  stored(turn: Turn, attempt: number, heads: readonly LaneHead[]): void {
    if (this.#plain) this.#plain.stored(turn)
    else this.#positioned.stored(turn, attempt, heads)
  }

  /** The next attempt of a plain drone's turn is stored: what it said meanwhile can be applied. */
  advanced(): void {
    this.#plain?.advanced()
  }

  protected override get isReadSlower(): boolean {
    return true
  }

  protected override onDisconnect(reason: string): void {
    this.logger.info('A drone disconnected.', { droneId: this.droneId, reason })
    this.#positioned.close()
    // A relay that stops says so of them when it is back: every plain drone's turn then begins another attempt.
    const broken = this.#plain && !this.#world.directory.closed ? this.#myTurns() : []
    for (const turn of broken) this.#world.turns.note(turn, { incomplete: true })
    this.#world.directory.leave(this)
  }

  #myTurns(): Turn[] {
    return this.#mine(this.#world.turns.ofDrone(this.registrationId))
  }

  #mine(turns: readonly Turn[]): Turn[] {
    return turns.filter(({ state }) => state.assigned?.instanceId === this.instanceId)
  }

  #handlers(): Handlers<typeof droneUp> {
    const now = (): number => this.#world.clock.now()
    return {
      heartbeat: ({ turns, load }) => this.#heartbeat(turns, load),
      status: (message) => this.#live('status', [message]),
      // What was left out is null, so that viewers find what follows at its place.
      log: (time, component, level, message, metadata) =>
        this.#live('log', [time ?? null, component ?? null, level ?? null, message, metadata ?? null]),
      workspaceModeChanged: (mode) => this.#live('workspaceModeChanged', [mode]),
      thinking: (content, at) => this.#say(textEntry('thinking', content, now()), at),
      response: (content, at) => this.#say(textEntry('responding', content, now()), at),
      toolCall: (callId, name, params = '', response = '', at) => {
        const call = callEntry({ callId, name, parameters: params, response, at }, this.#world.limits, now())
        if (this.#plain) this.#plain.say((speech) => speech.toolCall(callId, name, params, response))
        else this.#say(call, at)
      },
      toolResult: (callId, response = '', at) =>
        this.#say(resultEntry(callId, response, at, this.#world.limits, now()), at),
      usage: (totals) => this.#usage(totals),
      workOrderComplete: async (turnId, success, message, detail) => {
        if (!detail && !this.#plain) {
          throw new RelayError('invalid_payload', 'A completion needs `{ attempt, heads }` of this drone.')
        }
        if (this.#plain?.finish(turnId)) this.#world.orders.consider()
        const turn = this.#turnToEnd(turnId, detail?.attempt)
        const namesNothing = detail !== undefined && (detail.heads ?? []).length === 0
        const isLost = !this.#plain && !success && message === LOST && namesNothing
        if (turn && isLost) this.#lost(turn)
        const ended = await complete(this.#world, {
          turnId,
          success,
          message,
          detail: this.#plain ? undefined : detail,
          turn,
          rewind: (at) => this.outlet.emit('rewind', at),
          userId: this.userId,
        })
        if (!isLost) this.#world.quarantines.completed(this.registrationId)
        return ended
      },
      requestCrashRecovery: (ask) => {
        this.#plain?.finish(ask.turnId)
        this.outlet.emit('crashRecoveryResponse', recoveryOf(this.#world, this, ask))
      },
      'permission:request': async (request) => {
        const asked = await askPermission(this.#world, this, this.#ownTurn(request.turnId), request)
        if (asked.answer) this.resolved(asked)
        return {}
      },
      manifest: (manifest) => {
        this.#manifest = { ...this.#manifest, ...given(manifest) }
        this.#world.orders.consider()
        this.#world.onManifest(this.userId)
      },
      'surface:update': (shown) => this.#world.surfaces.update(this, shown),
      'session:compacted': (compacted) => compact(this.#world, this, compacted),
      say: (said) => say(this.#world, this, said),
      agentSession: async ({ chatSessionId, agentSessionId }) => {
        await this.#world.sessions.of(this.userId, chatSessionId)
        const agentSession = { registrationId: this.registrationId, agentSessionId }
        const { sessions, directory } = this.#world
        await sessions.change(
          chatSessionId,
          () => ({ agentSession }),
          (session) => infoOf(directory, session),
        )
      },
      ...terminalHandlers(this.#world.terminals, this),
      ...this.#plain?.handlers(),
    }
  }

  #say(entry: Entry, at: Position | undefined): void {
    if (this.#plain) this.#plain.say(() => [{ lane: '', entry }])
    else this.#positioned.say(entry, at)
  }

  /** The live turn, if it is this very process's. */
  #ownTurn(turnId: string): Turn {
    const turn = this.#world.turns.get(turnId)
    const assigned = turn?.state.assigned
    if (
      !turn ||
      assigned?.registrationId !== this.registrationId ||
      assigned.instanceId !== this.instanceId
    ) {
      throw fenced(turnId)
    }
    return turn
  }

  #turnToEnd(turnId: string, attempt: number | undefined): Turn | undefined {
    const turn = this.#world.turns.get(turnId)
    if (!turn || turn.ended) return turn
    this.#ownTurn(turnId)
    if (attempt !== undefined && attempt !== turn.state.attempt) throw fenced(turnId)
    return turn
  }

  #heartbeat(named: readonly string[], load: number | undefined): { serverTime: string } {
    this.lastHeardAt = this.#world.clock.now()
    this.load = load
    for (const turn of this.#missed.beat(this.#myTurns(), named)) this.#lost(turn)
    return { serverTime: new Date(this.lastHeardAt).toISOString() }
  }

  /** Its agent is gone, as after a restart: the turn is tried again. */
  #lost(turn: Turn): void {
    const reason = `Drone ${this.droneId} does not know of the turn any more.`
    this.#world.orders.ownerLost(turn, turn.state.attempt, reason)
  }

  #usage(totals: ArgsOf<typeof droneUp.usage>[0]): void {
    const turn = this.#ownTurn(totals.turnId)
    if (totals.attempt !== turn.state.attempt) throw fenced(totals.turnId)
    this.#world.turns.note(turn, { usage: totals })
    const { chatSessionId } = turn
    this.#world.feed.publish(chatSessionId, {
      kind: 'live',
      name: 'usage',
      args: [{ ...totals, chatSessionId }],
    })
  }

  /** What is said of the drone rather than of a turn: for those who watch what it works on. */
  #live(name: LiveName, args: readonly unknown[]): void {
    const sessions = new Set(this.#myTurns().map(({ chatSessionId }) => chatSessionId))
    if (sessions.size === 0 && this.#lastChatSessionId !== undefined) sessions.add(this.#lastChatSessionId)
    for (const chatSessionId of sessions) {
      const heard = { chatSessionId, droneId: this.droneId }
      this.#world.feed.publish(chatSessionId, { kind: 'live', name, args: [...args, heard] })
    }
  }
}

/** What is left out of a manifest stays as it was. */
function given(manifest: Manifest): Manifest {
  return Object.fromEntries(Object.entries(manifest).filter(([, value]) => value !== undefined))
}
