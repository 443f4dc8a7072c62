import type { LaneHead } from '../protocol/position.ts'
import type { Entry, Placed } from './entry.ts'
import { LaneLog } from './lane-log.ts'
import type { AppendOutcome } from './lane-log.ts'

/** `stale`: of an older attempt. `early`: of one that has not begun. */
export type Outcome = AppendOutcome | 'stale' | 'early'

export const MAIN_LANE = ''

/**
 * What somebody holds of one attempt of a turn, by position. The drone's outbox, the relay and the IDE client each
 * hold one; sending means "what comes after the other side's head".
 */
export class TurnLog {
  #attempt: number
  readonly #lanes = new Map<string, LaneLog>()

  constructor(attempt: number) {
    this.#attempt = attempt
  }

  get attempt(): number {
    return this.#attempt
  }

  /** The lanes spoken of so far, in the order of their first word. */
  get lanes(): ReadonlyMap<string, LaneLog> {
    return this.#lanes
  }

  /** The lane, made empty (from `base` on) where nobody has spoken of it. */
  lane(name: string, base = 0): LaneLog {
    let lane = this.#lanes.get(name)
    if (!lane) {
      lane = new LaneLog(base)
      this.#lanes.set(name, lane)
    }
    return lane
  }

  append(attempt: number, laneName: string, offset: number, entry: Entry): Outcome {
    if (attempt < this.#attempt) return 'stale'
    if (attempt > this.#attempt) return 'early'
    if (entry.kind === 'text' && entry.text === '') return 'duplicate'
    const lane = this.#lanes.get(laneName)
    // A gap must not leave an empty lane behind: whoever invents lanes would fill the memory.
    if (!lane && offset > 0) return 'gap'
    return (lane ?? this.lane(laneName)).append(offset, entry)
  }

  length(laneName: string): number {
    return this.#lanes.get(laneName)?.length ?? 0
  }

  after(laneName: string, from: number): Placed[] {
    return this.#lanes.get(laneName)?.after(from) ?? []
  }

  /** The heads of all lanes: how much may be handed on of each. */
  heads(): LaneHead[] {
    return [...this.#lanes].map(([lane, log]) => ({ lane, offset: log.settled }))
  }

  /** The attempt is over: a half in any lane stays alone. */
  closeHalves(): void {
    for (const lane of this.#lanes.values()) lane.closeHalf()
  }

  /** A later attempt begins with empty lanes. */
  restart(attempt: number): void {
    this.#attempt = attempt
    this.#lanes.clear()
  }
}
