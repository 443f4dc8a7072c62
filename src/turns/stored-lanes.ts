import type { LaneHead } from '../protocol/position.ts'
import { partition } from './parts.ts'
import type { TurnLog } from './turn-log.ts'
import type { LaneFlush, StoredLane } from './turn-store.ts'

/** The lanes of one attempt as the store has them, and what would bring it level with a log. */
export class StoredLanes {
  #lanes: StoredLane[] = []
  readonly #numbers = new Map<string, number>()

  constructor(lanes: readonly StoredLane[]) {
    this.replace(lanes)
  }

  /** In the order of their numbers. */
  get all(): readonly StoredLane[] {
    return this.#lanes
  }

  heads(): LaneHead[] {
    return this.#lanes.map((lane) => ({ lane: lane.name, offset: lane.length }))
  }

  /** What the store holds is something else now: another attempt. */
  replace(lanes: readonly StoredLane[]): void {
    this.#lanes = [...lanes]
    this.#numbers.clear()
    for (const [number, lane] of lanes.entries()) this.#numbers.set(lane.name, number)
  }

  /** What is new in `log`, lane by lane. A lane gets its number here and keeps it. */
  flushes(log: TurnLog, { partBytes, closeAll }: { partBytes: number; closeAll: boolean }): LaneFlush[] {
    const flushes: LaneFlush[] = []
    for (const [name, lane] of log.lanes) {
      const number = this.#numbers.get(name) ?? this.#numbers.size
      const before = this.#lanes[number] ?? { name, length: 0, parts: 0, open: [], borrowed: [] }
      if (lane.settled === before.length && !(closeAll && before.open.length > 0)) continue
      this.#numbers.set(name, number)
      const fresh = lane.after(before.length)
      const said = [...before.open, ...fresh]
      const { closed, open } = partition(said, { firstIndex: before.parts, partBytes, closeAll })
      const after = { ...before, length: lane.settled, parts: before.parts + closed.length, open }
      flushes.push({ number, fresh, closed, after })
    }
    return flushes
  }

  /** As they will be when `flushes` are stored. */
  with(flushes: readonly LaneFlush[]): StoredLane[] {
    const lanes = [...this.#lanes]
    for (const { number, after } of flushes) lanes[number] = after
    return lanes
  }

  /** They are stored. */
  apply(flushes: readonly LaneFlush[]): void {
    for (const { number, after } of flushes) this.#lanes[number] = after
  }
}

/** The same lanes as the beginning of the next attempt. */
export function borrowedFrom(attempt: number, lanes: readonly StoredLane[]): StoredLane[] {
  return lanes.map((lane) => ({
    ...lane,
    borrowed: [...lane.borrowed, { attempt, parts: lane.parts, length: lane.length }],
  }))
}
