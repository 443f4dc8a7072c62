import { endOf } from '../../turns/entry.ts'
import type { Placed } from '../../turns/entry.ts'
import { bytesOf, joinTexts } from '../../turns/parts.ts'
import type { FlushBatch } from '../../turns/turn-store.ts'
import { lengthsOf, progressAfterWords } from './progress.ts'
import type { LaneGrowth, Progress } from './progress.ts'
import { placedOf, wordOf } from './word.ts'
import type { Word } from './word.ts'

/** UTF-16 units of text that become one record: what is read together later. */
const PIECE_UNITS = 4096

/** What one commit says of one turn: the version it was made on, and what is new of each lane. */
export type JournalEntry = readonly [turnId: string, version: number, lanes: readonly JournalLane[]]

/** Words that follow each other from where the lane ended. Its name is told where the lane is new. */
export type JournalLane = readonly [number: number, parts: number, words: readonly Word[], name?: string]

/** What only the journal has of a lane; what lies before `base` are records. */
export interface JournaledLane {
  readonly base: number
  readonly words: readonly Placed[]
}

/** A turn that is further in the journal than in the tables: how far, and the words that are no records yet. */
export interface JournaledTurn {
  readonly progress: Progress
  /** The number of the journal's oldest record that has something of it. */
  readonly since: number
  readonly lanes: ReadonlyMap<number, JournaledLane>
  /** What its words take, by the estimate that bounds all documents. */
  readonly bytes: number
}

/** Most batches only say more words. Whatever else there is to say goes into the tables at once. */
export function isWordsOnly({ state, nextLanes, lanes }: FlushBatch): boolean {
  if (state || nextLanes) return false
  return lanes.every(({ fresh, after }) => fresh.length > 0 && after.borrowed.length === 0)
}

/** A batch of words as the journal says it. */
export function entryOf(before: Progress, { turnId, version, lanes }: FlushBatch): JournalEntry {
  const known = lengthsOf(before).length
  const said = lanes.map(({ number, after, fresh }): JournalLane => {
    const words = fresh.map(({ entry }) => wordOf(entry))
    return number < known ? [number, after.parts, words] : [number, after.parts, words, after.name]
  })
  return [turnId, version, said]
}

/** The turn after an entry: of record `seq`, made on `before`, of which the journal may have had something already. */
export function turnAfter(
  [, , said]: JournalEntry,
  seq: number,
  before: Progress,
  journaled: JournaledTurn | undefined,
): JournaledTurn {
  const lengths = lengthsOf(before)
  const lanes = new Map(journaled?.lanes)
  let bytes = journaled?.bytes ?? 0
  const growth = said.map(([number, parts, words, name]): LaneGrowth => {
    const length = lengths[number] ?? 0
    const fresh = placed(words, length)
    for (const word of fresh) bytes += bytesOf(word)
    const { base, words: earlier } = lanes.get(number) ?? { base: length, words: [] }
    lanes.set(number, { base, words: joined(earlier, fresh) })
    const last = fresh.at(-1)
    return { number, parts, units: last ? endOf(last) - length : 0, name }
  })
  return { progress: progressAfterWords(before, growth), since: journaled?.since ?? seq, lanes, bytes }
}

/** The words of the lane at and after `position`; undefined where they are records. */
export function wordsAt(
  turn: JournaledTurn | undefined,
  number: number,
  position: number,
): Placed[] | undefined {
  const lane = turn?.lanes.get(number)
  return lane && position >= lane.base ? lane.words.filter((word) => endOf(word) > position) : undefined
}

function placed(words: readonly Word[], from: number): Placed[] {
  let offset = from
  return words.map((word) => {
    const one = placedOf(offset, word)
    offset = endOf(one)
    return one
  })
}

/** One after the other; text goes on the text before it. */
function joined(before: readonly Placed[], fresh: readonly Placed[]): Placed[] {
  const last = before.at(-1)
  return last
    ? [...before.slice(0, -1), ...joinTexts([last, ...fresh], PIECE_UNITS)]
    : joinTexts(fresh, PIECE_UNITS)
}
