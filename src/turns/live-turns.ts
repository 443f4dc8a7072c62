import type { LaneHead } from '../protocol/position.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Clock } from './clock.ts'
import type { Entry, Placed } from './entry.ts'
import type { Feed, News } from './feed.ts'
import { Flusher } from './flusher.ts'
import { decide, phaseOf, recordOf } from './lifecycle.ts'
import type { Decision, LifeEvent, LifePolicy } from './lifecycle.ts'
import { newsOf, sessionChange } from './turn-news.ts'
import type { Delays } from './turn-news.ts'
import { Turn } from './turn.ts'
import type { TurnBounds, TurnChange, TurnOutcome } from './turn.ts'
import type { ChatSessionRecord, FlushBatch, TurnHeader, TurnState, TurnStore } from './turn-store.ts'
import { TurnsByDrone, toldDrone, workingDrone } from './turns-by-drone.ts'

interface Logger {
  info(message: string, meta?: object): void
  warn(message: string, meta?: object): void
  error(message: string, meta?: object): void
}

/** Who hears of what became durable: the drone its checkpoints, the work orders what to do next. */
export interface LiveTurnsListener {
  onStored(turn: Turn, attempt: number, heads: readonly LaneHead[]): void
  /** The state of `turn` is stored, and its viewers have been told. */
  onTold(turn: Turn, state: TurnState): void
  onFenced(turn: Turn): void
  delaysOf(turn: Turn): Delays
}

export interface LiveTurnsOptions {
  readonly store: Pick<TurnStore, 'commit'>
  readonly sessions: ChatSessions
  readonly feed: Feed
  readonly clock: Clock
  readonly logger: Logger
  readonly bounds: TurnBounds
  readonly policy: LifePolicy
  /** How a session is set and what it has used: that changes when a turn starts and when it ends. */
  readonly infoOf: (session: ChatSessionRecord) => News
  readonly checkpointMs: number
  readonly checkpointBytes: number
}

export interface Tail {
  readonly attempt: number
  readonly lanes: readonly {
    readonly lane: string
    readonly base: number
    readonly entries: readonly Placed[]
  }[]
}

/** The turns that this node owns and that have not ended: their words in, and out to the store and the feed. */
export class LiveTurns {
  readonly #options: LiveTurnsOptions
  readonly #turns = new Map<string, Turn>()
  readonly #byDrone = new TurnsByDrone(workingDrone)
  readonly #toldByDrone = new TurnsByDrone(toldDrone)
  readonly #flusher: Flusher
  readonly #telling = new Set<Promise<void>>()
  /** What is on its way to the viewers of a turn: `told` follows when they have it. */
  readonly #lastNews = new WeakMap<Turn, Turn['told']>()
  #listener: LiveTurnsListener | undefined

  constructor(options: LiveTurnsOptions) {
    this.#options = options
    const { store, clock, logger, checkpointMs, checkpointBytes } = options
    this.#flusher = new Flusher({
      store,
      clock,
      logger,
      checkpointMs,
      checkpointBytes,
      onCommitted: (turn, batch) => this.#committed(turn, batch),
      onFenced: (turn) => this.#fenced(turn),
    })
  }

  listen(listener: LiveTurnsListener): void {
    this.#listener = listener
  }

  get storeHealthy(): boolean {
    return this.#flusher.healthy
  }

  get(turnId: string): Turn | undefined {
    return this.#turns.get(turnId)
  }

  all(): IterableIterator<Turn> {
    return this.#turns.values()
  }

  /** The turns whose order a drone has or is offered. */
  ofDrone(registrationId: string): Turn[] {
    return this.#byDrone.of(registrationId)
  }

  /** The turns that are a drone's as the store has it: also those whose end is not stored yet. */
  storedOfDrone(registrationId: string): Turn[] {
    const isStill = (turn: Turn): boolean => !turn.isStateStored || workingDrone(turn) === registrationId
    return this.#toldByDrone.of(registrationId).filter(isStill)
  }

  /**
   * Takes a turn that this node owns: a new one, or one that is read back from the store. In the place of what it had of
   * it before, under an older generation: a start that has to begin anew takes its turns over once more.
   */
  admit(header: TurnHeader): Turn {
    const former = this.#turns.get(header.turnId)
    former?.fence()
    if (former) this.#place(former)
    const turn = new Turn(header, this.#options.bounds)
    const { clock } = this.#options
    // How long it has been worked on is known by the dates alone; from here on it is counted.
    const workedMs = header.startedAt === undefined ? 0 : Math.max(0, clock.now() - header.startedAt)
    turn.heardAt = clock.ticks()
    turn.begunAt = turn.heardAt - workedMs
    this.#turns.set(turn.turnId, turn)
    this.#place(turn)
    return turn
  }

  append(turn: Turn, attempt: number, lane: string, offset: number, entry: Entry): TurnOutcome {
    return this.#hearing(turn, lane, () => turn.append(attempt, lane, offset, entry))
  }

  /** As `append`, at the end of the lane: a plain drone's words come in the order of their arrival. */
  appendNext(turn: Turn, lane: string, entry: Entry): TurnOutcome {
    return this.#hearing(turn, lane, () => turn.appendNext(lane, entry))
  }

  /** Decides what an event means for a turn's life, and has it stored; it is told once it is. */
  apply(turn: Turn, event: LifeEvent): Decision {
    const decision = decide(turn.state, event, this.#options.clock.now(), this.#options.policy)
    if (decision.do === 'nothing' || decision.do === 'reopen') return decision
    if (decision.do === 'update') this.#updateAndPublish(turn, decision.change)
    else turn.succeed(decision.change, decision.ended)
    if (phaseOf(turn.state) === 'offered') turn.begunAt = this.#options.clock.ticks()
    turn.heardAt = this.#options.clock.ticks()
    this.#place(turn)
    this.#flusher.touch(turn)
    return decision
  }

  /** Changes what is said about a turn beside its life: usage, incompleteness, what it may have done, what went into it. */
  note(turn: Turn, change: Pick<TurnChange, 'incomplete' | 'usage' | 'sideEffects' | 'steers'>): void {
    turn.update(change)
    this.#flusher.touch(turn)
  }

  /** A plain drone goes on after this node lost its memory of the turn: a new attempt with the words stored. */
  continueAnew(turn: Turn, reason: string): void {
    const { state } = turn
    if (state.status !== 'processing' || !state.assigned) return
    // What it has used goes on with it.
    const { usage: _usage, ...record } = recordOf(state, this.#options.clock.now())
    const ended = { ...record, reason }
    turn.succeed({ incomplete: true }, { ended, borrows: true })
    this.#flusher.touch(turn)
  }

  tail(turnId: string): Tail | undefined {
    const turn = this.#turns.get(turnId)
    return turn && { attempt: turn.loggedAttempt, lanes: turn.tail() }
  }

  /** Resolves when all that was said is stored, and who has to hear of it was told. */
  async settle(): Promise<void> {
    do {
      await this.#flusher.settle()
      await Promise.all(this.#telling)
    } while (this.#telling.size > 0)
  }

  /** Resolves when the present state of a turn is stored, and who has to hear of it was told. */
  async whenTold(turn: Turn): Promise<void> {
    await turn.whenStored()
    await Promise.all(this.#telling)
  }

  close(): void {
    this.#flusher.close()
  }

  #hearing(turn: Turn, lane: string, append: () => TurnOutcome): TurnOutcome {
    const before = turn.settled(lane)
    const outcome = append()
    if (outcome !== 'accepted') return outcome
    turn.heardAt = this.#options.clock.ticks()
    this.#publish(turn, lane, before)
    this.#flusher.touch(turn)
    return outcome
  }

  #publish(turn: Turn, lane: string, from: number): void {
    const { turnId, chatSessionId, loggedAttempt } = turn
    if (!this.#options.feed.isFollowed(chatSessionId)) return
    const placed = turn.after(lane, from)
    if (placed.length === 0) return
    this.#options.feed.publish(chatSessionId, { kind: 'words', turnId, attempt: loggedAttempt, lane, placed })
  }

  #updateAndPublish(turn: Turn, change: TurnChange): void {
    const before = new Map(turn.heads().map(({ lane, offset }) => [lane, offset]))
    turn.update(change)
    // An end settles halves that waited for a partner: viewers get them before they hear of the end.
    for (const { lane, offset } of turn.heads()) {
      const from = before.get(lane) ?? 0
      if (offset > from) this.#publish(turn, lane, from)
    }
  }

  #committed(turn: Turn, batch: FlushBatch): void {
    if (turn.fenced) return
    const { turnId, chatSessionId } = turn
    const heads = batch.lanes.map(({ after }) => ({ lane: after.name, offset: after.length }))
    if (heads.length > 0 && !batch.nextLanes) {
      this.#listener?.onStored(turn, batch.attempt, heads)
      this.#options.feed.publish(chatSessionId, { kind: 'stored', turnId, attempt: batch.attempt, heads })
    }
    if (!batch.state) return
    const telling = this.#tell(turn, batch.state, turn.storedHeads()).finally(() =>
      this.#telling.delete(telling),
    )
    this.#telling.add(telling)
  }

  /** Tells viewers of a stored change, then those who act on it. */
  async #tell(turn: Turn, state: TurnState, heads: readonly LaneHead[]): Promise<void> {
    try {
      const { attempt, status, asks = false } = state
      const last = this.#lastNews.get(turn) ?? turn.told
      this.#lastNews.set(turn, { attempt, status, asks })
      if (last.attempt !== attempt || last.status !== status || (last.asks ?? false) !== asks) {
        await this.#options.sessions.announce(
          turn.chatSessionId,
          (session) => sessionChange(session, turn, state, this.#options.clock.now()),
          (session) => newsOf(session, turn, state, heads, this.#listener?.delaysOf(turn) ?? {}),
        )
      }
      turn.told = { attempt, status, asks }
      this.#toldByDrone.place(turn)
      // It may have been taken up again meanwhile: that is another one's place.
      if (isEnd(status) && this.#turns.get(turn.turnId) === turn) this.#turns.delete(turn.turnId)
      this.#listener?.onTold(turn, state)
      if (last.status !== status && (isEnd(status) || status === 'processing'))
        await this.#options.sessions.announce(turn.chatSessionId, () => ({}), this.#options.infoOf)
    } catch (error) {
      this.#options.logger.error('A turn changed, and its viewers could not be told.', {
        turnId: turn.turnId,
        error,
      })
    }
  }

  #place(turn: Turn): void {
    this.#byDrone.place(turn)
    this.#toldByDrone.place(turn)
  }

  #fenced(turn: Turn): void {
    if (this.#turns.get(turn.turnId) === turn) this.#turns.delete(turn.turnId)
    this.#place(turn)
    // Admitted anew meanwhile: whoever has to do with the turn has to do with that one.
    if (this.#turns.has(turn.turnId)) return
    this.#options.logger.warn('A turn has another owner now; what was said of it here is dropped.', {
      turnId: turn.turnId,
    })
    this.#listener?.onFenced(turn)
  }
}
