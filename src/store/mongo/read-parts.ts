import type { ChatTurnPartDocument } from '../../../models/chat-turn-part.ts'
import { endOf } from '../../turns/entry.ts'
import type { Placed } from '../../turns/entry.ts'
import type { LaneOwner } from '../../turns/turn-store.ts'
import { continuation, spansOf } from '../lane-span.ts'
import { placedFrom } from './entry-document.ts'
import { laneKey } from './plan.ts'

export interface PartsWanted {
  readonly lane: string
  /** Parts at or beyond this do not exist. */
  readonly below: number
  /** Only parts with words after this. */
  readonly after: number
  readonly limit: number
}

/** In the order of their index. */
export type FindParts = (wanted: PartsWanted) => Promise<readonly ChatTurnPartDocument[]>

/** Parts asked for at a time: at their usual size a quarter of a MB. */
const PAGE_PARTS = 64

/**
 * [ST5] The words of a lane from `from` on: the parts that the header counts, then what it holds itself.
 * Whoever reads a header has all of it for ever: its parts never change, and later ones it does not look at.
 */
export async function* readParts(
  findParts: FindParts,
  owner: LaneOwner,
  number: number,
  from: number,
): AsyncGenerator<Placed[]> {
  let position = from
  for (const span of spansOf(owner, number, from)) {
    // A hole ends the reading: what follows it must not be taken for what comes next.
    if (span.from !== position) return
    const lane = laneKey({ turnId: owner.turnId, attempt: span.attempt }, number)
    for (let more = true; more;) {
      const parts = await findParts({ lane, below: span.parts, after: position, limit: PAGE_PARTS })
      const start = position
      for (const part of parts) {
        const piece = continuation(part.entries.map(placedFrom), position, span.to)
        const last = piece.at(-1)
        if (!last) break
        position = endOf(last)
        yield piece
      }
      more = parts.length === PAGE_PARTS && position > start && position < span.to
    }
  }
  const lane = owner.lanes[number]
  const open = lane ? continuation(lane.open, position, lane.length) : []
  if (open.length > 0) yield open
}
