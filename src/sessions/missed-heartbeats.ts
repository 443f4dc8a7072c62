import { phaseOf } from '../turns/lifecycle.ts'
import type { Turn } from '../turns/turn.ts'

/** Heartbeats that do not name a turn before it is taken as lost. */
const MAX_MISSED = 2

/** Counts, turn by turn, the heartbeats that did not name what the drone had acknowledged. */
export class MissedHeartbeats {
  readonly #missed = new Map<string, number>()

  /** A heartbeat named these turns; the answer is those of `turns` that the drone has lost. */
  beat(turns: readonly Turn[], named: readonly string[]): Turn[] {
    const known = new Set(named)
    return turns.filter((turn) => {
      const isMissed = phaseOf(turn.state) === 'working' && !known.has(turn.turnId)
      const count = isMissed ? (this.#missed.get(turn.turnId) ?? 0) + 1 : 0
      if (count === 0 || count >= MAX_MISSED) this.#missed.delete(turn.turnId)
      else this.#missed.set(turn.turnId, count)
      return count >= MAX_MISSED
    })
  }

  forget(turnId: string): void {
    this.#missed.delete(turnId)
  }
}
