import type { DroneDown } from '../protocol/drone-down.ts'
import type { droneUp } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { Entry } from '../turns/entry.ts'
import { phaseOf } from '../turns/lifecycle.ts'
import type { DroneRecord } from '../turns/turn-store.ts'
import type { Turn } from '../turns/turn.ts'
import type { DroneWorld } from './drone-world.ts'
import type { Outlet } from './outlet.ts'
import { PlainSpeech } from './plain-speech.ts'
import type { Spoken } from './plain-speech.ts'
import type { Handlers } from './socket-session.ts'

/** Words kept while a turn moves to its next attempt, which takes one commit. */
const MAX_WAITING = 10_000

/** What was said of each live turn: a drone that reconnects answers the calls it made before. */
const SPEECHES = new WeakMap<Turn, PlainSpeech>()

/**
 * [PL12] After a restart of the relay: what the drone's turn has stored is taken up before the drone is heard, so that
 * it answers the calls it made before.
 */
export async function recallSpeech(
  world: DroneWorld,
  { registrationId, registration }: DroneRecord,
): Promise<void> {
  const [turn] = registration.instanceId === undefined ? world.turns.ofDrone(registrationId) : []
  const header = turn && !SPEECHES.has(turn) ? await world.store.readTurn(turn.turnId) : undefined
  if (!turn || !header) return
  const speech = new PlainSpeech(() => world.clock.now())
  for (const [number, { name }] of header.lanes.entries()) {
    for await (const piece of world.store.readLane(header, number, 0)) {
      for (const { entry } of piece) speech.recall(name, entry)
    }
  }
  if (!SPEECHES.has(turn)) SPEECHES.set(turn, speech)
}

interface PlainDroneOptions {
  readonly world: DroneWorld
  readonly registrationId: string
  readonly outlet: Outlet<DroneDown>
}

/**
 * What a drone session does for a drone of the original: it has one turn at a time, names neither turn nor position,
 * and is made to wait by not being read.
 */
export class PlainDrone {
  readonly #options: PlainDroneOptions
  /** The last order of this connection, until its completion: words name no turn, so two must never mix. */
  #occupiedBy: string | undefined
  #waiting: Spoken[] = []
  #reading = true

  constructor(options: PlainDroneOptions) {
    this.#options = options
  }

  /** Appends what the drone says to its current turn, in the order of arrival. */
  say(words: (speech: PlainSpeech) => Spoken[]): void {
    const turn = this.#turn()
    if (!turn) throw new RelayError('fenced', 'This drone has no turn: what it says belongs to none.')
    const speech = SPEECHES.get(turn) ?? new PlainSpeech(() => this.#options.world.clock.now())
    SPEECHES.set(turn, speech)
    const { turns } = this.#options.world
    if (phaseOf(turn.state) === 'offered') {
      turns.apply(turn, { type: 'acknowledged', attempt: turn.state.attempt })
    }
    this.#append(turn, words(speech))
  }

  get isOccupied(): boolean {
    return this.#occupiedBy !== undefined
  }

  take(turnId: string): void {
    this.#occupiedBy = turnId
  }

  /** It is done with a turn, whoever ended that; true where this makes it free. */
  finish(turnId: string): boolean {
    if (this.#occupiedBy !== turnId) return false
    this.#occupiedBy = undefined
    return true
  }

  /** There may be room again. */
  stored(turn: Turn): void {
    if (!this.#reading && turn.unstoredBytes <= this.#options.world.limits.windowBytes / 2)
      this.#setReading(true)
  }

  advanced(): void {
    const turn = this.#turn()
    if (turn && this.#waiting.length > 0) this.#append(turn, this.#waiting.splice(0))
  }

  handlers(): Handlers<typeof droneUp> {
    const text = (mode: 'thinking' | 'responding', lane: string, content: string): void =>
      this.say(() => [{ lane, entry: this.#textEntry(mode, content) }])
    return {
      'agent:thinking': ({ agentId, thinking }) => text('thinking', agentId, thinking),
      'agent:response': ({ agentId, chunk }) => text('responding', agentId, chunk),
      'agent:tool-call': ({ agentId, tool, args, callId }) =>
        this.say((speech) => speech.agentCall(agentId, tool, args, callId)),
      'agent:tool-result': ({ agentId, tool, result, callId, isError }) =>
        this.say((speech) => speech.agentResult(agentId, tool, result, callId, isError)),
      'agent:complete': (end) => this.say((speech) => speech.agentEnd(end)),
    }
  }

  #turn(): Turn | undefined {
    return this.#options.world.turns.ofDrone(this.#options.registrationId)[0]
  }

  #append(turn: Turn, spoken: readonly Spoken[]): void {
    const { turns, limits } = this.#options.world
    // Between two attempts nothing can be appended: it waits for the commit that is under way.
    if (turn.loggedAttempt !== turn.state.attempt) {
      if (this.#waiting.length + spoken.length > MAX_WAITING) this.#setReading(false)
      this.#waiting.push(...spoken)
      return
    }
    for (const { lane, entry } of spoken) turns.appendNext(turn, lane, entry)
    if (turn.unstoredBytes > limits.windowBytes) this.#setReading(false)
  }

  #setReading(reading: boolean): void {
    this.#reading = reading
    this.#options.outlet.setReading('window', reading)
  }

  #textEntry(mode: 'thinking' | 'responding', text: string): Entry {
    return { kind: 'text', mode, text, createdAt: this.#options.world.clock.now() }
  }
}
