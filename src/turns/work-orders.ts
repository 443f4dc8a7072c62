import type { WorkOrder } from '../protocol/drone-down.ts'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import { backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { phaseOf } from './lifecycle.ts'
import type { Decision, LifeEvent } from './lifecycle.ts'
import type { LiveTurns } from './live-turns.ts'
import type { Delays } from './turn-news.ts'
import type { Seat, Seats } from './seat.ts'
import type { Turn } from './turn.ts'
import type { Assignment, TurnState, TurnStore } from './turn-store.ts'
import { orderOf } from './work-order.ts'

export interface WorkOrdersOptions {
  readonly store: TurnStore
  readonly turns: LiveTurns
  readonly seats: Seats
  readonly clock: Clock
  readonly random: () => number
  readonly logger: { info(message: string, meta?: object): void; error(message: string, meta?: object): void }
  /** Before the next attempt of a turn: first and longest. */
  readonly retryFirstMs: number
  readonly retryLongestMs: number
  /** How long a turn may wait for a drone before it is failed. */
  readonly queuedMs: number
  /** How long it may wait for somebody's yes to its next attempt. */
  readonly askMs: number
}

/** Until an order is offered again that could not be put together because the store was away. */
const OFFER_AGAIN_MS = 1000

/** The longest that a timer waits; a longer one would fire at once. */
const LONGEST_WAIT_MS = 2_147_483_647

/** An attempt that was taken from its drone. */
interface Stop {
  readonly assigned: Assignment
  readonly attempt: number
}

interface Waiting {
  readonly turn: Turn
  /** Monotonic. */
  dueAt: number
  cancelExpiry: () => void
}

/** A turn that goes on when somebody says so. */
interface Asking {
  /** Monotonic. */
  readonly expiresAt: number
  readonly cancelExpiry: () => void
}

/** Gives turns to drones: the first fitting one that has room, in the order the turns came. */
export class WorkOrders {
  readonly #options: WorkOrdersOptions
  readonly #waiting = new Map<string, Waiting>()
  readonly #asking = new Map<string, Asking>()
  /** Whom to tell that an attempt is not its any more, once that is stored. */
  readonly #stops = new WeakMap<Turn, Stop>()
  #cancelDue: (() => void) | undefined
  #closed = false

  constructor(options: WorkOrdersOptions) {
    this.#options = options
  }

  /** No order is given any more: the relay stops. */
  close(): void {
    this.#closed = true
    this.#cancelDue?.()
    for (const waiting of [...this.#waiting.values(), ...this.#asking.values()]) waiting.cancelExpiry()
    this.#waiting.clear()
    this.#asking.clear()
  }

  /** What an event means for a turn's life, and what has to follow from that. */
  apply(turn: Turn, event: LifeEvent): Decision {
    const { assigned, attempt } = turn.state
    const decision = this.#options.turns.apply(turn, event)
    if (decision.do !== 'update') return decision
    this.#forgetAsking(turn.turnId)
    // A drone that was given up may be back before that is stored, and was welcomed as if it still had the turn then.
    const isGivenUp = event.type === 'ownerLost' && assigned?.instanceId !== undefined
    if (assigned && (decision.effect === 'stop' || isGivenUp)) this.#stops.set(turn, { assigned, attempt })
    if (decision.effect === 'ask') this.#ask(turn)
    else if (decision.effect === 'wait')
      this.enqueue(turn, event.type === 'retry' ? 0 : this.#backoffMs(turn))
    return decision
  }

  /** After a start: an unfinished turn waits for what it waited for before. */
  resume(turn: Turn): void {
    if (phaseOf(turn.state) === 'asking') this.#ask(turn)
    else this.enqueue(turn)
  }

  /** A turn waits for a drone; `delayMs` is the backoff before its next attempt. */
  enqueue(turn: Turn, delayMs = 0): void {
    if (this.#closed) return
    const { clock, queuedMs } = this.#options
    this.#waiting.get(turn.turnId)?.cancelExpiry()
    const reason = `No fitting drone came within ${inWords(queuedMs)}. Start one for this workspace and try again.`
    const cancelExpiry = clock.after(Math.min(delayMs + queuedMs, LONGEST_WAIT_MS), () => {
      this.#waiting.delete(turn.turnId)
      this.apply(turn, { type: 'expired', reason })
    })
    this.#waiting.set(turn.turnId, { turn, dueAt: clock.ticks() + delayMs, cancelExpiry })
    this.consider()
  }

  /** How long until the next attempt of a turn that waits for it. */
  delayOf(turnId: string): number | undefined {
    const waiting = this.#waiting.get(turnId)
    return waiting && this.#left(waiting.dueAt)
  }

  /** What viewers are told of how long a turn waits. */
  delaysOf({ turnId, state }: Turn): Delays {
    const asking = this.#asking.get(turnId)
    if (asking) return { expiresInMs: this.#left(asking.expiresAt) }
    const retryInMs = state.status === 'recovering' ? this.delayOf(turnId) : undefined
    return retryInMs === undefined ? {} : { retryInMs }
  }

  /** Whoever worked on the turn is gone: it is tried again after a backoff or a yes, or has failed. */
  ownerLost(turn: Turn, attempt: number, reason: string, final = false): boolean {
    const decision = this.apply(turn, { type: 'ownerLost', attempt, reason, final })
    if (decision.do === 'nothing') return false
    this.#options.logger.info('A turn lost its drone.', {
      turnId: turn.turnId,
      attempt,
      reason: turn.state.reason,
      now: turn.state.status,
    })
    return true
  }

  /** Offers what waits to whoever fits. */
  consider(): void {
    if (this.#closed) return
    const { clock, turns } = this.#options
    const now = clock.ticks()
    let next = Number.POSITIVE_INFINITY
    for (const waiting of this.#waiting.values()) {
      const { turn, dueAt } = waiting
      if (turn.ended || turn.fenced) this.#forget(waiting)
      else if (dueAt > now) next = Math.min(next, dueAt)
      else {
        const seat = this.#fitting(turn)
        if (!seat) continue
        this.#forget(waiting)
        turns.apply(turn, {
          type: 'assign',
          to: {
            registrationId: seat.registrationId,
            droneId: seat.droneId,
            workspaceId: seat.workspaceId,
            ...(seat.instanceId === undefined ? {} : { instanceId: seat.instanceId }),
            acknowledged: false,
          },
        })
      }
    }
    this.#cancelDue?.()
    this.#cancelDue = undefined
    if (next !== Number.POSITIVE_INFINITY) this.#cancelDue = clock.after(next - now, () => this.consider())
  }

  /** Whether another drone than `registrationId` could take this turn now or when it has room. */
  hasAlternative(turn: Turn, registrationId: string): boolean {
    return this.#candidates(turn).some((seat) => seat.registrationId !== registrationId)
  }

  /** A state of the turn is stored and told: what has to follow, follows. */
  onTold(turn: Turn, state: TurnState): void {
    const { turns } = this.#options
    this.#tellStopped(turn, state)
    if (isEnd(state.status)) {
      this.consider()
      return
    }
    const current = turn.state.attempt === state.attempt && turns.get(turn.turnId) === turn
    if (current && phaseOf(turn.state) === 'offered') this.offer(turn)
  }

  /** Sends the order of a turn that is assigned and not acknowledged; again after a reconnect, the same attempt. */
  offer(turn: Turn): void {
    const { state } = turn
    if (!state.assigned || this.#closed) return
    // An attempt that is not stored yet is offered once it is: its first words would be refused.
    if (turn.told.attempt !== state.attempt || turn.told.status !== state.status) return
    const seat = this.#options.seats.get(state.assigned.registrationId)
    if (!seat || seat.instanceId !== state.assigned.instanceId) return
    void this.#send(turn, state.attempt, seat)
  }

  async #send(turn: Turn, attempt: number, seat: Seat): Promise<void> {
    const { store, turns, seats, logger } = this.#options
    let order: WorkOrder
    try {
      order = await orderOf(store, turn, attempt)
    } catch (error) {
      if (error instanceof RelayError && error.retryable) {
        this.#offerLater(turn, attempt)
        return
      }
      logger.error('A work order could not be put together.', { turnId: turn.turnId, error })
      this.ownerLost(turn, attempt, 'The relay could not read the conversation from its store.')
      return
    }
    try {
      await seat.sendOrder(order)
      turns.apply(turn, { type: 'acknowledged', attempt })
    } catch (error) {
      // Away: its grace decides, and the order is offered again when it is back. There but silent: somebody else's turn.
      // A relay that stops has cut the connection itself: the turn waits for its drone and the next relay.
      if (this.#closed) return
      if (seats.get(seat.registrationId) !== seat || phaseOf(turn.state) !== 'offered') return
      if (turn.state.attempt !== attempt) return
      seat.abortOrder(turn.turnId, attempt)
      const isBegun = error instanceof RelayError && error.code === 'fenced'
      // Of what it did nothing may be stored: only the drone itself can say that no tool had started.
      if (isBegun && !saysNoSideEffects(error.details)) turns.note(turn, { sideEffects: true })
      const what = isBegun ? 'had begun the attempt and given it up' : 'did not acknowledge the order'
      this.ownerLost(turn, attempt, `Drone ${seat.droneId} ${what}.`)
    }
  }

  /** The store is away: its drone waits as everybody does. */
  #offerLater(turn: Turn, attempt: number): void {
    this.#options.clock.after(OFFER_AGAIN_MS, () => {
      if (turn.state.attempt === attempt && phaseOf(turn.state) === 'offered') this.offer(turn)
    })
  }

  #tellStopped(turn: Turn, { status, attempt }: TurnState): void {
    const stop = this.#stops.get(turn)
    // What is told just now may have been decided before the stop.
    if (!stop || (!isEnd(status) && attempt <= stop.attempt && status !== 'recovering')) return
    this.#stops.delete(turn)
    const seat = this.#options.seats.get(stop.assigned.registrationId)
    if (seat?.instanceId === stop.assigned.instanceId) seat?.abortOrder(turn.turnId, stop.attempt)
  }

  #backoffMs(turn: Turn): number {
    const { retryFirstMs, retryLongestMs, random } = this.#options
    const tries = turn.state.earlier.length + 1
    return backoffMs(tries, { firstMs: retryFirstMs, longestMs: retryLongestMs, random })
  }

  #ask(turn: Turn): void {
    if (this.#closed) return
    this.#forgetAsking(turn.turnId)
    const { clock, askMs } = this.#options
    const reason = `Nobody said within ${inWords(askMs)} that it is to be tried again.`
    const cancelExpiry = clock.after(askMs, () => this.apply(turn, { type: 'expired', reason }))
    this.#asking.set(turn.turnId, { expiresAt: clock.ticks() + askMs, cancelExpiry })
  }

  #forgetAsking(turnId: string): void {
    this.#asking.get(turnId)?.cancelExpiry()
    this.#asking.delete(turnId)
  }

  #left(ticks: number): number {
    return Math.max(0, Math.round(ticks - this.#options.clock.ticks()))
  }

  #forget(waiting: Waiting): void {
    waiting.cancelExpiry()
    this.#waiting.delete(waiting.turn.turnId)
  }

  #fitting(turn: Turn): Seat | undefined {
    const used = (seat: Seat): number => this.#options.turns.ofDrone(seat.registrationId).length
    const free = this.#candidates(turn).filter((seat) => !seat.occupied && used(seat) < seat.capacity)
    const last = turn.state.assigned
    const preferred = turn.preferredDroneId
    return (
      free.find(
        (seat) => seat.registrationId === last?.registrationId && seat.instanceId !== last.instanceId,
      ) ??
      // Whoever was silent, or has lost the turn, is asked again only where nobody else fits.
      free.find((seat) => seat.droneId === preferred && seat.registrationId !== last?.registrationId) ??
      free.find((seat) => seat.registrationId !== last?.registrationId) ??
      free[0]
    )
  }

  #candidates(turn: Turn): Seat[] {
    const { request, state } = turn
    const workspaceId = state.assigned?.workspaceId ?? request.workspaceId
    return [...this.#options.seats.ofUser(request.userId)].filter((seat) => {
      if (seat.closed || !seat.offers(request)) return false
      if (state.assigned) return seat.workspaceId === workspaceId
      if (request.droneId !== undefined) return seat.droneId === request.droneId
      return workspaceId === undefined || seat.workspaceId === workspaceId
    })
  }
}

function inWords(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} minutes`
}

function saysNoSideEffects(details: unknown): boolean {
  return (details as { sideEffects?: unknown } | null | undefined)?.sideEffects === false
}
