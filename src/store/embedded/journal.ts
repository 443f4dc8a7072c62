import type { FlushBatch } from '../../turns/turn-store.ts'
import { entryOf, turnAfter } from './journaled-turn.ts'
import type { JournalEntry, JournaledTurn } from './journaled-turn.ts'
import { stampOf } from './progress.ts'
import type { Progress } from './progress.ts'
import type { Tables } from './tables.ts'
import { wordOf } from './word.ts'
import { sizeOfBatches, weigh } from './write-size.ts'
import type { WriteSize } from './write-size.ts'

/** One commit's words, of all turns that it was for. */
export type JournalRecord = readonly JournalEntry[]

export interface JournalBounds {
  /** A turn's words get records when they are so many: as much as is read at once later. */
  readonly turnBytes: number
  /** What is read again at every start: past either of these, the turns that are in the journal for longest get records. */
  readonly records: number
  readonly bytes: number
}

const BOUNDS: JournalBounds = { turnBytes: 16 * 1024, records: 512, bytes: 2 * 1024 * 1024 }

/** Turns that get theirs with one commit for that reason, and records of the journal that go. */
const TURNS_AT_ONCE = 16
const RECORDS_AT_ONCE = 64

/** What was done and is not known to be on disk. */
interface Change {
  readonly turns: Map<string, JournaledTurn | undefined>
  /** Sizes of the records that were written: what they take in memory, roughly. */
  readonly written: number[]
  /** Records that went, the oldest first. */
  removed: number
}

/**
 * [ST24] What only says more words is written as one record a commit, whatever turns it is for; each turn's own records
 * follow when its words are many, when something else of it changes, or when the journal is long.
 *
 * A journal belongs to a file as it is open, and knows what that file says. Its changes are made within an action of a
 * transaction, which is synchronous: the action and those after it see them, readers see them after `publish`.
 */
export class Journal {
  readonly #tables: Tables
  readonly #bounds: JournalBounds
  /** In the order of their oldest record in the journal. */
  readonly #turns = new Map<string, JournaledTurn>()
  /** Of the records from `#first` on. */
  readonly #sizes: number[] = []
  #first = 1
  #bytes = 0
  #staged = noChange()
  #acting: Change | undefined

  constructor(tables: Tables, bounds: JournalBounds = BOUNDS) {
    this.#tables = tables
    this.#bounds = bounds
    for (const { key, value } of tables.journal.getRange()) {
      if (this.#sizes.length === 0) this.#first = key
      const size = weigh(value)
      this.#sizes.push(size)
      this.#bytes += size
      for (const entry of value) this.#replay(entry, key)
    }
  }

  get #isLong(): boolean {
    return this.#sizes.length > this.#bounds.records || this.#bytes > this.#bounds.bytes
  }

  get #change(): Change {
    if (!this.#acting) throw new Error('the journal is written to outside of an action')
    return this.#acting
  }

  /** The turn where the journal is ahead of the tables. */
  find(turnId: string): JournaledTurn | undefined {
    if (this.#acting?.turns.has(turnId)) return this.#acting.turns.get(turnId)
    if (this.#acting && this.#staged.turns.has(turnId)) return this.#staged.turns.get(turnId)
    const turn = this.#turns.get(turnId)
    return turn && !this.#acting && this.#isOnDisk(turnId, turn) ? undefined : turn
  }

  /** What a commit of these may write at most. */
  sizeOf(batches: readonly FlushBatch[]): WriteSize {
    let { places, bytes } = sizeOfBatches(batches)
    const also = this.#isLong ? [...this.#turns.values()].slice(0, TURNS_AT_ONCE) : []
    for (const turn of [...also, ...batches.map(({ turnId }) => this.#turns.get(turnId))]) {
      places += 1 + (turn?.lanes.size ?? 0)
      bytes += turn?.bytes ?? 0
    }
    return { places: places + RECORDS_AT_ONCE, bytes }
  }

  /** Takes the words of batches that are due; `before` is how far each turn is. Within an action. */
  write(due: readonly { readonly before: Progress; readonly batch: FlushBatch }[]): void {
    if (due.length === 0) return
    const { turns, written } = this.#change
    const seq = this.#first + this.#sizes.length + this.#staged.written.length + written.length
    let size = 0
    const record = due.map(({ before, batch }) => {
      const entry = entryOf(before, batch)
      const journaled = this.find(batch.turnId)
      const turn = turnAfter(entry, seq, before, journaled)
      size += turn.bytes - (journaled?.bytes ?? 0)
      turns.set(batch.turnId, turn)
      if (turn.bytes >= this.#bounds.turnBytes) this.settle(batch.turnId)
      return entry
    })
    void this.#tables.journal.put(seq, record)
    written.push(size)
  }

  /** The turn's words and how far it is go into the tables. Within an action. */
  settle(turnId: string): void {
    const turn = this.find(turnId)
    if (!turn) return
    const { words, turns } = this.#tables
    const { attempt } = stampOf(turn.progress)
    for (const [number, lane] of turn.lanes) {
      for (const { offset, entry } of lane.words)
        void words.put([turnId, attempt, number, offset], wordOf(entry))
    }
    void turns.put(turnId, turn.progress)
    this.#change.turns.set(turnId, undefined)
  }

  /** Keeps the journal as short as it may be. Within an action, after all else. */
  tidy(): void {
    const change = this.#change
    if (this.#isLong) {
      let settled = 0
      for (const turnId of this.#turns.keys()) {
        if (settled === TURNS_AT_ONCE) break
        if (!this.find(turnId)) continue
        this.settle(turnId)
        settled += 1
      }
    }
    const first = this.#first + this.#staged.removed + change.removed
    const end = Math.min(this.#firstNeeded(), first + RECORDS_AT_ONCE)
    for (let seq = first; seq < end; seq++) void this.#tables.journal.remove(seq)
    change.removed += Math.max(0, end - first)
  }

  /** An action begins. */
  begin(): void {
    this.#acting = noChange()
  }

  /** It has done what it does. */
  keep(): void {
    const { turns, written, removed } = this.#change
    for (const [turnId, turn] of turns) setInOrder(this.#staged.turns, turnId, turn)
    this.#staged.written.push(...written)
    this.#staged.removed += removed
    this.#acting = undefined
  }

  /** It has failed, and what it wrote is undone. */
  undo(): void {
    this.#acting = undefined
  }

  /** The transaction is on disk. */
  publish(): void {
    const { turns, written, removed } = this.#staged
    this.#staged = noChange()
    for (const [turnId, turn] of turns) {
      if (turn) setInOrder(this.#turns, turnId, turn)
      else this.#turns.delete(turnId)
    }
    this.#sizes.push(...written)
    this.#first += removed
    this.#bytes += sum(written) - sum(this.#sizes.splice(0, removed))
  }

  /** The tables are further: the transaction that gave the turn its records is on disk, and about to be published. */
  #isOnDisk(turnId: string, { progress }: JournaledTurn): boolean {
    const stored = this.#tables.turns.get(turnId)
    if (!stored) return false
    const [now, known] = [stampOf(stored), stampOf(progress)]
    return now.version > known.version || now.generation > known.generation
  }

  /** The oldest record of the journal that says what is nowhere else; of this transaction's own all do. */
  #firstNeeded(): number {
    for (const [turnId, { since }] of this.#turns) if (this.find(turnId)?.since === since) return since
    return this.#first + this.#sizes.length
  }

  #replay(entry: JournalEntry, seq: number): void {
    const [turnId, version] = entry
    const journaled = this.#turns.get(turnId)
    const progress = journaled?.progress ?? this.#tables.turns.get(turnId)
    const at = progress && stampOf(progress).version
    // What has got its records since is in the journal still, for as long as another turn needs what was written with it.
    if (at !== undefined && at > version) return
    if (!progress || at !== version) throw new Error(`the journal does not go on where turn ${turnId} is`)
    this.#turns.set(turnId, turnAfter(entry, seq, progress, journaled))
  }
}

/** A turn that has got its records and comes again is the youngest. */
function setInOrder<Turn extends JournaledTurn | undefined>(
  turns: Map<string, Turn>,
  turnId: string,
  turn: Turn,
): void {
  if (turn?.since !== turns.get(turnId)?.since) turns.delete(turnId)
  turns.set(turnId, turn)
}

function noChange(): Change {
  return { turns: new Map(), written: [], removed: 0 }
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
