import type { OpenPermission } from '../protocol/code-up.ts'
import type { PermissionRequest } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Clock } from './clock.ts'
import type { News } from './feed.ts'
import { phaseOf } from './lifecycle.ts'
import type { LiveTurns } from './live-turns.ts'
import type { Turn } from './turn.ts'
import type { PermissionAnswer, PermissionRecord, TurnState, TurnStore } from './turn-store.ts'
import { untilStored } from './until-stored.ts'

/** Questions of one turn that wait for an answer at a time: nobody answers more. */
const MAX_OPEN = 100
/** Answers of one attempt that its drone is told again when it comes back. */
const MAX_KEPT = 100

export interface PermissionsOptions {
  readonly store: Pick<
    TurnStore,
    'insertPermission' | 'readPermission' | 'answerPermission' | 'permissionsOfTurn'
  >
  readonly turns: Pick<LiveTurns, 'get'>
  readonly sessions: Pick<ChatSessions, 'announce'>
  readonly clock: Clock
  readonly logger: { error(message: string, meta?: object): void }
  /** How long a question waits at most. */
  readonly permissionMs: number
  /** Tells the drone what came of its question, if it is there. */
  readonly tellDrone: (permission: PermissionRecord) => void
}

/** Who asks. */
interface Asker {
  readonly registrationId: string
  readonly droneId: string
}

interface Held {
  record: PermissionRecord
  readonly cancelExpiry: () => void
  /** Monotonic. */
  readonly expiresAt: number
}

/**
 * What agents ask of people while they work. A question is stored before anybody sees it and its answer before anybody
 * acts on it; the first answer counts, and one that nobody gave in time, or in the attempt that asked, is a no to all.
 */
export class Permissions {
  readonly #options: PermissionsOptions
  /** Of the present attempt of each live turn, by drone and request. */
  readonly #held = new Map<string, Map<string, Held>>()
  /** Questions of each turn on their way to the store. */
  readonly #coming = new Map<string, number>()
  #closed = false

  constructor(options: PermissionsOptions) {
    this.#options = options
  }

  close(): void {
    this.#closed = true
    for (const turn of this.#held.values()) for (const { cancelExpiry } of turn.values()) cancelExpiry()
    this.#held.clear()
  }

  /** [PM1] Asks everybody who watches; asked again, it is answered the same. Resolves once it is stored and told. */
  async ask(turn: Turn, asker: Asker, request: PermissionRequest): Promise<PermissionRecord> {
    const { turnId } = turn
    const { requestId, attempt } = request
    const coming = this.#coming.get(turnId) ?? 0
    if (
      !this.#held.get(turnId)?.has(keyOf({ registrationId: asker.registrationId, requestId })) &&
      this.#openHeld(turnId).length + coming >= MAX_OPEN
    )
      throw new RelayError('rate_limited', `Turn ${turnId} waits for ${MAX_OPEN} answers already.`)
    this.#coming.set(turnId, coming + 1)
    let asked: PermissionRecord
    try {
      asked = await this.#options.store.insertPermission(this.#recordOf(turn, asker, request))
    } finally {
      const left = (this.#coming.get(turnId) ?? 1) - 1
      if (left > 0) this.#coming.set(turnId, left)
      else this.#coming.delete(turnId)
    }
    if (asked.turnId !== turn.turnId || asked.attempt !== attempt)
      throw new RelayError('invalid_payload', `Request ${requestId} was made before, for another attempt.`)
    if (!this.#isCurrent(asked)) return (await this.#close(asked)) ?? asked
    if (!this.#heldOf(asked) && this.#hold(asked) && !asked.answer) await this.#announceRequest(asked)
    return this.#heldOf(asked)?.record ?? asked
  }

  /** [PM2] A choice, by `userId`: the first counts. Resolves with what came of the question, once that is stored. */
  async choose(
    userId: string,
    registrationId: string,
    requestId: string,
    optionId: string,
  ): Promise<PermissionAnswer> {
    const { store, clock } = this.#options
    const asked = await store.readPermission(registrationId, requestId)
    if (asked?.userId !== userId) throw new RelayError('not_found', `There is no request ${requestId}.`)
    if (asked.answer) return asked.answer
    if (!asked.options.some((option) => option.optionId === optionId)) {
      const allowed = asked.options.map((option) => option.optionId)
      throw new RelayError('invalid_payload', `Request ${requestId} has no option ${optionId}.`, {
        details: { allowed },
      })
    }
    // By the clock that its timer has: the other may jump.
    const isOpen = this.#isCurrent(asked) && (this.#heldOf(asked)?.expiresAt ?? 0) > clock.ticks()
    const answer = isOpen ? { optionId, by: userId, at: clock.now() } : { at: clock.now() }
    const answered = (await this.#answer(asked, answer))?.answer
    if (!answered) throw new RelayError('not_found', `There is no request ${requestId}.`)
    return answered
  }

  /** What waits for an answer, the oldest first. */
  openOf(turnId: string | undefined): OpenPermission[] {
    if (turnId === undefined) return []
    return this.#openHeld(turnId).map(({ record, expiresAt }) => ({
      ...questionOf(record),
      expiresInMs: this.#left(expiresAt),
    }))
  }

  isOpen(turnId: string): boolean {
    return this.#openHeld(turnId).length > 0
  }

  /** [PM3] A drone is back: what it may have missed of this turn is told again. */
  repeat(turnId: string): void {
    for (const { record } of this.#held.get(turnId)?.values() ?? [])
      if (record.answer) this.#options.tellDrone(record)
  }

  /** [PM3] After a start: what was asked waits on. */
  async recall(turn: Turn): Promise<void> {
    this.forget(turn.turnId)
    for (const record of await this.#options.store.permissionsOfTurn(turn.turnId))
      if (this.#isCurrent(record)) this.#hold(record)
  }

  /** [PM4] A state of the turn is stored and told: an attempt that is over has no more questions. */
  onTold(turn: Turn, state: TurnState): void {
    const held = this.#held.get(turn.turnId)
    if (!held) return
    const over = [...held].filter(
      ([, { record }]) => state.status !== 'processing' || record.attempt !== state.attempt,
    )
    for (const [key, { record, cancelExpiry }] of over) {
      cancelExpiry()
      if (record.answer) held.delete(key)
      else void this.#closeUntilStored(record)
    }
    if (held.size === 0) this.#held.delete(turn.turnId)
  }

  /** It has another owner, who will answer for it. */
  forget(turnId: string): void {
    for (const { cancelExpiry } of this.#held.get(turnId)?.values() ?? []) cancelExpiry()
    this.#held.delete(turnId)
  }

  #recordOf(turn: Turn, asker: Asker, request: PermissionRequest): PermissionRecord {
    const { clock, permissionMs } = this.#options
    const { requestId, attempt, title, options, toolCall, expiresInMs = permissionMs } = request
    const now = clock.now()
    return {
      registrationId: asker.registrationId,
      droneId: asker.droneId,
      requestId,
      turnId: turn.turnId,
      chatSessionId: turn.chatSessionId,
      userId: turn.request.userId,
      attempt,
      title,
      ...(toolCall ? { toolCall } : {}),
      options,
      askedAt: now,
      expiresAt: now + Math.min(expiresInMs, permissionMs),
    }
  }

  #isCurrent({ turnId, attempt }: PermissionRecord): boolean {
    const turn = this.#options.turns.get(turnId)
    return turn !== undefined && turn.state.attempt === attempt && phaseOf(turn.state) === 'working'
  }

  #heldOf(record: PermissionRecord): Held | undefined {
    return this.#held.get(record.turnId)?.get(keyOf(record))
  }

  #openHeld(turnId: string): Held[] {
    return [...(this.#held.get(turnId)?.values() ?? [])].filter(({ record }) => !record.answer)
  }

  #hold(record: PermissionRecord): Held {
    const { clock, permissionMs } = this.#options
    const held = this.#held.get(record.turnId) ?? new Map<string, Held>()
    this.#held.set(record.turnId, held)
    const waitMs = Math.min(permissionMs, Math.max(0, record.expiresAt - clock.now()))
    const cancelExpiry = record.answer
      ? () => undefined
      : clock.after(waitMs, () => void this.#closeUntilStored(record))
    const one = { record, cancelExpiry, expiresAt: clock.ticks() + waitMs }
    held.set(keyOf(record), one)
    const answered = [...held.values()].filter((other) => other.record.answer)
    for (const other of answered.slice(0, -MAX_KEPT)) held.delete(keyOf(other.record))
    return one
  }

  /** Nobody chose. */
  #close(record: PermissionRecord): Promise<PermissionRecord | undefined> {
    return this.#answer(record, { at: this.#options.clock.now() })
  }

  async #closeUntilStored(record: PermissionRecord): Promise<void> {
    const { clock, logger } = this.#options
    const isClosed = (): boolean => this.#closed
    await untilStored(clock, isClosed, () => this.#close(record)).catch((error: unknown) =>
      logger.error('A permission could not be closed.', { requestId: record.requestId, error }),
    )
  }

  async #answer(
    { registrationId, requestId }: PermissionRecord,
    answer: PermissionAnswer,
  ): Promise<PermissionRecord | undefined> {
    const answered = await this.#options.store.answerPermission(registrationId, requestId, answer)
    const held = answered && this.#heldOf(answered)
    // Whoever comes second finds it answered, and everybody told.
    if (!answered || !held || held.record.answer) return answered
    held.cancelExpiry()
    held.record = answered
    this.#options.tellDrone(answered)
    if (!this.#isCurrent(answered)) this.#drop(answered)
    await this.#announceAnswer(answered)
    return answered
  }

  #drop(record: PermissionRecord): void {
    const held = this.#held.get(record.turnId)
    held?.delete(keyOf(record))
    if (held?.size === 0) this.#held.delete(record.turnId)
  }

  async #announceRequest(record: PermissionRecord): Promise<void> {
    const expiresInMs = this.#left(this.#heldOf(record)?.expiresAt ?? 0)
    const { chatSessionId, turnId } = record
    const isFirst = this.#openHeld(turnId).length === 1
    await this.#announce(record, (version) => ({
      kind: 'news',
      name: 'permission:request',
      payload: { ...questionOf(record), chatSessionId, version, expiresInMs },
    }))
    if (isFirst) await this.#announceStatus(record, { waitingFor: 'permission', expiresInMs })
  }

  async #announceAnswer(record: PermissionRecord): Promise<void> {
    const { chatSessionId, droneId, requestId, answer } = record
    const isLast = !this.isOpen(record.turnId)
    await this.#announce(record, (version) => ({
      kind: 'news',
      name: 'permission:resolved',
      payload: {
        chatSessionId,
        version,
        droneId,
        requestId,
        ...outcomeOf(answer),
      },
    }))
    if (isLast) await this.#announceStatus(record, {})
  }

  /** A turn that waits for an answer, or goes on: its attempt's own beginning and end are told by others. */
  async #announceStatus(
    record: PermissionRecord,
    waiting: { waitingFor?: 'permission'; expiresInMs?: number },
  ): Promise<void> {
    const { chatSessionId, turnId, attempt } = record
    if (!this.#isCurrent(record)) return
    await this.#announce(record, (version) => ({
      kind: 'news',
      name: 'turn:status',
      payload: { chatSessionId, version, turnId, attempt, status: 'processing', ...waiting },
    }))
  }

  #announce({ chatSessionId }: PermissionRecord, news: (version: number) => News): Promise<void> {
    return this.#options.sessions.announce(
      chatSessionId,
      () => ({}),
      ({ version }) => news(version),
    )
  }

  #left(ticks: number): number {
    return Math.max(0, Math.round(ticks - this.#options.clock.ticks()))
  }
}

/** What everybody is told of an answer: null where nobody chose. */
export function outcomeOf(answer: PermissionAnswer | undefined): { optionId: string | null; by?: string } {
  const { optionId = null, by } = answer ?? {}
  return { optionId, ...(by === undefined ? {} : { by }) }
}

/** Two drones of one turn, an attempt each, may use the same id for what they ask. */
function keyOf({
  registrationId,
  requestId,
}: Pick<PermissionRecord, 'registrationId' | 'requestId'>): string {
  return JSON.stringify([registrationId, requestId])
}

/** What people are shown of it. */
function questionOf(record: PermissionRecord): Omit<OpenPermission, 'expiresInMs'> {
  const { droneId, requestId, turnId, attempt, title, options, toolCall } = record
  return {
    droneId,
    requestId,
    turnId,
    attempt,
    title,
    ...(toolCall ? { toolCall } : {}),
    options: [...options],
  }
}
