import { endOf, slicePlaced } from '../turns/entry.ts'
import type { Placed } from '../turns/entry.ts'
import type { LaneOwner } from '../turns/turn-store.ts'

/** A stretch `[from, to)` of a lane whose words one attempt wrote, in its parts below `parts`. */
export interface LaneSpan {
  readonly attempt: number
  readonly parts: number
  readonly from: number
  readonly to: number
}

/** Where the words of a lane in `[from, length)` are: those that the attempt began with, oldest first, then its own. */
export function spansOf(owner: LaneOwner, number: number, from: number): LaneSpan[] {
  const lane = owner.lanes[number]
  if (!lane) return []
  const own = { attempt: owner.attempt, parts: lane.parts, length: lane.length }
  let start = 0
  const spans = [...lane.borrowed, own].map(({ attempt, parts, length }) => {
    const span = { attempt, parts, from: Math.max(from, start), to: length }
    start = length
    return span
  })
  return spans.filter((span) => span.from < span.to)
}

/**
 * What of `entries` continues a lane at `position`, up to `to`. Ends at the first hole: words that are not there, or
 * no longer, must not be read as if the next ones followed.
 */
export function continuation(entries: readonly Placed[], position: number, to: number): Placed[] {
  const found: Placed[] = []
  let at = position
  for (const placed of entries) {
    const piece = slicePlaced(placed, at, to)
    if (!piece) continue
    if (piece.offset !== at) break
    found.push(piece)
    at = endOf(piece)
  }
  return found
}
