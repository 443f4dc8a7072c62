import type { Placed } from './entry.ts'
import type { LaneOwner, TurnStore } from './turn-store.ts'

/** An entry of a turn, and the lane that it is in. */
export interface LaneEntry extends Placed {
  readonly lane: string
}

interface Head {
  readonly lane: string
  readonly rest: AsyncIterator<Placed>
  readonly next: Placed
}

/** [EX2] All entries of an attempt in the order in which they were said; each lane keeps its own order in any case. */
export async function* entriesOf(
  store: Pick<TurnStore, 'readLane'>,
  owner: LaneOwner,
): AsyncGenerator<LaneEntry> {
  const heads: Head[] = []
  for (const [number, { name }] of owner.lanes.entries()) {
    const rest = oneByOne(store.readLane(owner, number, 0))
    const { value: next, done } = await rest.next()
    if (!done) heads.push({ lane: name, rest, next })
  }
  while (heads.length > 0) {
    const index = indexOfEarliest(heads)
    const [head] = heads.splice(index, 1)
    if (!head) return
    yield { lane: head.lane, ...head.next }
    const { value: next, done } = await head.rest.next()
    if (!done) heads.splice(index, 0, { ...head, next })
  }
}

async function* oneByOne(pieces: AsyncIterable<Placed[]>): AsyncGenerator<Placed, undefined> {
  for await (const piece of pieces) yield* piece
  return undefined
}

function indexOfEarliest(heads: readonly Head[]): number {
  let earliest = 0
  for (const [index, { next }] of heads.entries())
    if (next.entry.createdAt < (heads[earliest]?.next.entry.createdAt ?? 0)) earliest = index
  return earliest
}
