import { endOf } from '../../turns/entry.ts'
import type { Placed } from '../../turns/entry.ts'
import type { LaneOwner } from '../../turns/turn-store.ts'
import { continuation, spansOf } from '../lane-span.ts'
import type { LaneSpan } from '../lane-span.ts'
import type { Journal } from './journal.ts'
import { wordsAt } from './journaled-turn.ts'
import { stampOf } from './progress.ts'
import type { Tables } from './tables.ts'
import { placedOf } from './word.ts'

/** Records in one piece: enough to make a read cheap, few enough that a piece does not hold the event loop for 1 ms. */
const PIECE_RECORDS = 128

/** UTF-16 units after which a piece is handed on: a tool's result alone may have many. */
const PIECE_UNITS = 256 * 1024

/** The words of a lane from `from` on, piece by piece; each piece is read for itself and holds no snapshot after. */
export function* readWords(
  file: { readonly tables: Tables; readonly journal: Journal },
  owner: LaneOwner,
  number: number,
  from: number,
): Generator<Placed[]> {
  for (const span of spansOf(owner, number, from)) {
    let position = span.from
    while (position < span.to) {
      const lane: LaneKey = [owner.turnId, span.attempt, number]
      const piece =
        journaled(file.journal, lane, span, position) ?? readPiece(file.tables, lane, span, position)
      const last = piece.at(-1)
      if (!last) return
      position = endOf(last)
      yield piece
    }
  }
}

type LaneKey = readonly [turnId: string, attempt: number, number: number]

/** Undefined where the words at `position` are records. */
function journaled(
  journal: Journal,
  [turnId, attempt, number]: LaneKey,
  span: LaneSpan,
  position: number,
): Placed[] | undefined {
  const turn = journal.find(turnId)
  if (!turn || stampOf(turn.progress).attempt !== attempt) return undefined
  const words = wordsAt(turn, number, position)
  return words && continuation(words, position, span.to)
}

function readPiece({ words }: Tables, lane: LaneKey, span: LaneSpan, position: number): Placed[] {
  // The record that holds `position` may begin before it.
  const [first] = words.getKeys({ start: [...lane, position], end: [...lane], reverse: true, limit: 1 })
  if (!first) return []
  const found: Placed[] = []
  let units = 0
  for (const { key, value } of words.getRange({
    start: first,
    end: [...lane, span.to],
    limit: PIECE_RECORDS,
  })) {
    const placed = placedOf(key[3], value)
    found.push(placed)
    units += sizeOf(placed)
    if (units >= PIECE_UNITS) break
  }
  return continuation(found, position, span.to)
}

function sizeOf({ entry }: Placed): number {
  if (entry.kind === 'text') return entry.text.length
  return entry.response.length + (entry.kind === 'call' ? entry.parameters.length : 0)
}
