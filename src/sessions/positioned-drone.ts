import type { DroneDown } from '../protocol/drone-down.ts'
import { RelayError } from '../protocol/errors.ts'
import type { LaneHead, Position } from '../protocol/position.ts'
import type { Entry } from '../turns/entry.ts'
import { phaseOf } from '../turns/lifecycle.ts'
import type { Turn } from '../turns/turn.ts'
import { Checkpoints } from './checkpoints.ts'
import type { DroneWorld } from './drone-world.ts'
import { fenced } from './fenced.ts'
import type { Outlet } from './outlet.ts'

interface PositionedDroneOptions {
  readonly world: DroneWorld
  readonly outlet: Outlet<DroneDown>
  /** The live turn, if it is this very process's; else it throws `fenced`. */
  readonly ownTurn: (turnId: string) => Turn
}

/** What a drone session does for a drone that says where each entry goes: the position alone decides what is new. */
export class PositionedDrone {
  readonly #options: PositionedDroneOptions
  readonly #checkpoints: Checkpoints

  constructor(options: PositionedDroneOptions) {
    this.#options = options
    const { world, outlet } = options
    this.#checkpoints = new Checkpoints({
      clock: world.clock,
      rounds: world.rounds,
      send: (head) => outlet.emit('checkpoint', head),
    })
  }

  close(): void {
    this.#checkpoints.close()
  }

  say(entry: Entry, at: Position | undefined): void {
    if (!at) throw new RelayError('invalid_payload', 'An entry needs `at`: this drone has an instanceId.')
    const { world, outlet, ownTurn } = this.#options
    this.#checkText(entry)
    const turn = ownTurn(at.turnId)
    const { turnId, attempt, lane = '', offset } = at
    const outcome = world.turns.append(turn, attempt, lane, offset, entry)
    if (outcome === 'accepted')
      this.#checkpoints.came(entry.kind === 'text' ? entry.text.length : entry.response.length)
    switch (outcome) {
      case 'accepted':
      case 'duplicate':
        if (phaseOf(turn.state) === 'offered') world.turns.apply(turn, { type: 'acknowledged', attempt })
        return
      case 'gap':
        if (turn.noteGap(lane)) outlet.emit('rewind', { turnId, attempt, lane, offset: turn.received(lane) })
        return
      case 'full':
        return
      case 'stale':
        // That an attempt is over is not told before it is stored: where the relay dies first, the attempt goes on.
        if (!turn.isStateStored) return
        throw fenced(turnId)
      case 'crowded':
        throw new RelayError('invalid_payload', `Turn ${turnId} has as many lanes as a turn may have.`)
      case 'early':
        throw new RelayError('invalid_payload', `Turn ${turnId} has not come to attempt ${attempt}.`)
    }
  }

  /** The drone may forget what is stored, and is asked again for what there was no room for. */
  stored(turn: Turn, attempt: number, heads: readonly LaneHead[]): void {
    const { outlet } = this.#options
    const { turnId } = turn
    this.#checkpoints.stored(turnId, attempt, heads)
    // An end is acknowledged right behind this.
    if (turn.ended) this.#checkpoints.tell()
    for (const lane of turn.takeRefilled()) {
      outlet.emit('rewind', { turnId, attempt, lane, offset: turn.received(lane) })
    }
  }

  #checkText(entry: Entry): void {
    const { textUnits } = this.#options.world.limits
    if (entry.kind !== 'text' || entry.text.length <= textUnits) return
    throw new RelayError(
      'payload_too_large',
      `A text may have ${textUnits} UTF-16 units; this one has ${entry.text.length}.`,
    )
  }
}
