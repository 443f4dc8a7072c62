import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Clock } from './clock.ts'
import { phaseOf } from './lifecycle.ts'
import type { LiveTurns } from './live-turns.ts'
import { queueNews } from './message-queue.ts'
import type { Seat, Seats } from './seat.ts'
import type { Turn } from './turn.ts'
import { MAIN_LANE } from './turn-log.ts'
import type { QueuedMessage, TakenSteer, TurnState, TurnStore } from './turn-store.ts'
import { steerView } from './turn-reader.ts'
import { untilStored } from './until-stored.ts'

/** Messages that one turn takes, and their UTF-16 units: its state is written anew with each change of it. */
const MAX_TAKEN = 100
const MAX_TAKEN_UNITS = 262_144

export interface SteeringOptions {
  readonly store: Pick<TurnStore, 'noteMessage'>
  readonly turns: Pick<LiveTurns, 'get' | 'note'>
  readonly sessions: Pick<ChatSessions, 'announce' | 'closed'>
  readonly seats: Seats
  readonly clock: Clock
  readonly logger: { error(message: string, meta?: object): void }
}

/**
 * Messages on their way to an agent that is at work. Each stands in its session's queue until the agent has taken it: one
 * that it has not taken when its turn ends is the next message, and none is lost or done twice on the way.
 */
export class Steering {
  readonly #options: SteeringOptions
  readonly #waiting = new Map<string, Map<string, QueuedMessage>>()
  /** Which of them a connection has been sent: a newer one is sent them again. */
  readonly #sent = new WeakMap<Seat, Set<string>>()

  constructor(options: SteeringOptions) {
    this.#options = options
  }

  /** Whether the drone of this turn hears messages while it works, or the one that it waits for may. */
  takes(turnId: string): boolean {
    const turn = this.#options.turns.get(turnId)
    if (!turn || turn.ended) return false
    const { assigned, steers = [], status } = turn.state
    const isPlain = status === 'processing' && assigned?.instanceId === undefined
    const units = steers.reduce((sum, { text }) => sum + text.length, 0)
    return !isPlain && steers.length < MAX_TAKEN && units < MAX_TAKEN_UNITS
  }

  /** It is in the queue, and stored. Where the turn has it already, a relay stopped before it had left the queue. */
  add(turn: Turn, message: QueuedMessage): void {
    const taken = takenIn(turn, message.messageId)
    if (taken) {
      void this.#tell(turn, taken)
      return
    }
    const waiting = this.#waiting.get(turn.turnId) ?? new Map<string, QueuedMessage>()
    this.#waiting.set(turn.turnId, waiting)
    waiting.set(message.messageId, message)
    this.offer(turn)
  }

  /** Sends what waits to whoever is at it: when it comes, and again when the drone has come back. */
  offer(turn: Turn): void {
    const waiting = this.#waiting.get(turn.turnId)
    const { assigned } = turn.state
    if (!waiting || !assigned || phaseOf(turn.state) !== 'working') return
    const seat = this.#options.seats.get(assigned.registrationId)
    if (!seat || seat.instanceId === undefined || seat.instanceId !== assigned.instanceId) return
    const sent = this.#sent.get(seat) ?? new Set<string>()
    this.#sent.set(seat, sent)
    for (const message of waiting.values()) {
      if (sent.has(message.messageId)) continue
      sent.add(message.messageId)
      void this.#send(turn, seat, message)
    }
  }

  /** A completion says which its agent has taken: the answers to some may have been lost on the way. */
  named(
    turn: Turn,
    named: readonly { readonly messageId: string; readonly as?: SteerTaken | undefined }[],
  ): void {
    for (const { messageId, as = 'now' } of named) {
      const message = this.#waiting.get(turn.turnId)?.get(messageId)
      if (message) this.#take(turn, message, as)
    }
  }

  /** A state of the turn is stored and told. */
  onTold(turn: Turn, state: TurnState): void {
    if (isEnd(state.status)) this.forget(turn.turnId)
    else this.offer(turn)
  }

  /** It has ended, or has another owner: what waits is in the session's queue. */
  forget(turnId: string): void {
    this.#waiting.delete(turnId)
  }

  async #send(turn: Turn, seat: Seat, message: QueuedMessage): Promise<void> {
    const { messageId, content } = message
    try {
      const as = await seat.steer(turn.turnId, { messageId, text: content })
      // A drone whose turn was taken from it has nothing to say of it any more.
      const isItsOwn = turn.state.assigned?.instanceId === seat.instanceId
      if (isItsOwn && phaseOf(turn.state) === 'working') this.#take(turn, message, as)
    } catch {
      // Its connection broke, or it did not take it: the next connection is sent it again, and the turn's end decides.
    }
  }

  #take(turn: Turn, { messageId, content, by }: QueuedMessage, as: SteerTaken): void {
    const { turns, clock } = this.#options
    const { steers = [] } = turn.state
    this.#waiting.get(turn.turnId)?.delete(messageId)
    if (takenIn(turn, messageId)) return
    const at = clock.now()
    const taken: TakenSteer = { messageId, text: content, by, as, offset: turn.settled(MAIN_LANE), at }
    turns.note(turn, { steers: [...steers, taken] })
    void this.#tell(turn, taken)
  }

  /** Once it is in the turn it leaves the queue. */
  async #tell(turn: Turn, taken: TakenSteer): Promise<void> {
    const { store, sessions, clock, logger } = this.#options
    const { turnId, chatSessionId, request } = turn
    const { messageId } = taken
    try {
      await turn.whenStored()
      const note = () => store.noteMessage(request.userId, messageId, turnId)
      await untilStored(clock, () => sessions.closed, note)
      await sessions.announce(
        chatSessionId,
        () => ({}),
        ({ version }) => {
          const payload = { chatSessionId, version, turnId, ...steerView(taken) }
          return { kind: 'news', name: 'turn:steered', payload }
        },
      )
      await sessions.announce(
        chatSessionId,
        ({ queue }) => ({ queue: queue.filter((message) => message.messageId !== messageId) }),
        queueNews,
      )
    } catch (error) {
      // Another owner has the turn, and finds the message in the queue or in the turn.
      if (error instanceof RelayError && error.code === 'fenced') return
      logger.error('A message went into a turn, and its viewers could not be told.', {
        turnId,
        messageId,
        error,
      })
    }
  }
}

function takenIn({ state: { steers = [] } }: Turn, messageId: string): TakenSteer | undefined {
  return steers.find((steer) => steer.messageId === messageId)
}
