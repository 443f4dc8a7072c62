import type { TurnStatus } from '../../protocol/turn-view.ts'
import type { FlushBatch, StoredLane, TurnHeader } from '../../turns/turn-store.ts'
import type { Stamp } from '../decide.ts'
import { lanesAfterBatch } from '../turn-record.ts'

/** What every commit of a turn changes, and what it is compared with: without field names, for it is written so often. */
export type Progress = readonly [
  generation: number,
  version: number,
  attempt: number,
  status: TurnStatus,
  node: string,
  lanes: readonly PackedLane[],
]

/** Every word is a record of its own here, so there is no copy of those that follow the last part. */
type PackedLane = readonly [name: string, length: number, parts: number, borrowed: StoredLane['borrowed']]

export interface LaneGrowth {
  readonly number: number
  readonly parts: number
  readonly units: number
  readonly name: string | undefined
}

export function progressOf({ generation, version, attempt, status, node, lanes }: TurnHeader): Progress {
  return [generation, version, attempt, status, node, lanes.map(packed)]
}

export function stampOf([generation, version, attempt, status]: Progress): Stamp {
  return { generation, version, attempt, status }
}

export function lanesOf([, , , , , lanes]: Progress): StoredLane[] {
  return lanes.map(([name, length, parts, borrowed]) => ({ name, length, parts, open: [], borrowed }))
}

/** The length of each lane, by its number. */
export function lengthsOf([, , , , , lanes]: Progress): number[] {
  return lanes.map(([, length]) => length)
}

/** As it is once words have been added: of each lane how many, with the parts it has then and, if it is new, its name. */
export function progressAfterWords(before: Progress, added: readonly LaneGrowth[]): Progress {
  const [generation, version, attempt, status, node, old] = before
  const lanes = [...old]
  for (const { number, parts, units, name } of added) {
    const [known, length, , borrowed] = lanes[number] ?? [name ?? '', 0, 0, []]
    lanes[number] = [known, length + units, parts, borrowed]
  }
  return [generation, version + 1, attempt, status, node, lanes]
}

/** As it is once the batch has been applied. */
export function progressAfter(before: Progress, batch: FlushBatch): Progress {
  const [generation, , attempt, status, node] = before
  const { version, state } = batch
  const lanes = lanesAfterBatch(lanesOf(before), batch)
  return [
    generation,
    version + 1,
    state?.attempt ?? attempt,
    state?.status ?? status,
    node,
    lanes.map(packed),
  ]
}

/** In the hands of another node, or of this one again. */
export function takenOver(before: Progress, node: string, status = before[3]): Progress {
  const [generation, version, attempt, , , lanes] = before
  return [generation + 1, version, attempt, status, node, lanes]
}

function packed({ name, length, parts, borrowed }: StoredLane): PackedLane {
  return [name, length, parts, borrowed]
}
