import { endOf, lengthOf, slicePlaced } from './entry.ts'
import type { Entry, Mode, Placed } from './entry.ts'

export type AppendOutcome = 'accepted' | 'duplicate' | 'gap'

const REPLACEMENT = '\ufffd'

/** Text pieces are joined up to this many units: fewer entries, and slicing one never copies much. */
const JOIN_UNITS = 4096

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/**
 * One lane of one attempt: an append-only list of entries, addressed by position (docs/protocol.md, "Position").
 *
 * Holds the entries of `[base, length)`. A high surrogate that came last waits as a half: it counts in `length`, but
 * not in `settled`, and nothing past `settled` is handed out, so a cut inside a pair is never sent on or stored.
 */
export class LaneLog {
  #base: number
  #entries: Placed[] = []
  #settled: number
  #half: { unit: string; mode: Mode; createdAt: number } | undefined
  #openMode: Mode | undefined

  constructor(base = 0) {
    this.#base = base
    this.#settled = base
  }

  /** Everything before this has been forgotten. */
  get base(): number {
    return this.#base
  }

  /** Everything received. */
  get length(): number {
    return this.#settled + (this.#half ? 1 : 0)
  }

  /** Everything that may be handed on. */
  get settled(): number {
    return this.#settled
  }

  /** The mode of the block that more text would go on, if there is one: a result does not end it. */
  get openMode(): Mode | undefined {
    return this.#openMode
  }

  /** [TL1] to [TL5]: applies what is new of `entry` and says what came of it. */
  append(offset: number, entry: Entry): AppendOutcome {
    const length = this.length
    if (offset > length) return 'gap'
    if (offset + lengthOf(entry) <= length) return 'duplicate'
    if (entry.kind === 'text') {
      this.#appendText(entry.mode, entry.text.slice(length - offset), entry.createdAt)
      this.#openMode = entry.mode
    } else {
      this.closeHalf()
      this.#push(entry)
      if (entry.kind === 'call') this.#openMode = undefined
    }
    return 'accepted'
  }

  /** [TL8] The block has ended: a half that still waits for its partner stays alone, as U+FFFD. */
  closeHalf(): void {
    if (!this.#half) return
    const { mode, createdAt } = this.#half
    this.#half = undefined
    this.#pushText(mode, REPLACEMENT, createdAt)
  }

  /** What lies in `[from, settled)`, at most `maxUnits` of text. `from` before `base` is the caller's mistake. */
  after(from: number, maxUnits = Number.POSITIVE_INFINITY): Placed[] {
    if (from < this.#base)
      throw new RangeError(`the lane was forgotten up to ${this.#base}, asked from ${from}`)
    const found: Placed[] = []
    let room = maxUnits
    for (let index = this.#firstEndingAfter(from); index < this.#entries.length && room > 0; index++) {
      const placed = this.#entries[index]
      const piece = placed && slicePlaced(placed, from, Math.max(placed.offset, from) + room)
      if (!piece) break
      found.push(piece)
      room -= lengthOf(piece.entry)
    }
    return found
  }

  /** Drops what lies before `offset`: it is stored, or the other side has it. */
  forget(offset: number): void {
    const until = Math.min(offset, this.#settled)
    if (until <= this.#base) return
    const first = this.#firstEndingAfter(until)
    this.#entries.splice(0, first)
    const cutInto = this.#entries[0]
    const rest = cutInto && slicePlaced(cutInto, until)
    if (rest) this.#entries[0] = rest
    this.#base = until
  }

  /** Drops what lies at and after `offset`: it was never kept. */
  cut(offset: number): void {
    if (offset >= this.length) return
    this.#half = undefined
    const until = Math.max(offset, this.#base)
    while (this.#entries.length > 0) {
      const last = this.#entries.at(-1)
      if (!last || endOf(last) <= until) break
      this.#entries.pop()
      const kept = slicePlaced(last, last.offset, until)
      if (kept) this.#entries.push(kept)
    }
    this.#settled = until
    const last = this.#entries.findLast(({ entry }) => entry.kind !== 'result')?.entry
    this.#openMode = last?.kind === 'text' ? last.mode : undefined
  }

  #appendText(mode: Mode, added: string, createdAt: number): void {
    let text = added
    if (this.#half && this.#half.mode === mode) {
      text = this.#half.unit + added
      this.#half = undefined
    } else this.closeHalf()
    const last = text.length - 1
    const half = isHighSurrogate(text.charCodeAt(last)) ? text.charAt(last) : undefined
    const whole = half === undefined ? text : text.slice(0, last)
    if (whole !== '') this.#pushText(mode, whole.isWellFormed() ? whole : whole.toWellFormed(), createdAt)
    if (half !== undefined) this.#half = { unit: half, mode, createdAt }
  }

  #pushText(mode: Mode, text: string, createdAt: number): void {
    const last = this.#entries.at(-1)
    // Handed-out pieces must stay as they were, so the last entry is replaced and never written to.
    if (last?.entry.kind === 'text' && last.entry.mode === mode && last.entry.text.length < JOIN_UNITS) {
      const joined = { ...last.entry, text: last.entry.text + text }
      this.#entries[this.#entries.length - 1] = { offset: last.offset, entry: joined }
      this.#settled += text.length
    } else this.#push({ kind: 'text', mode, text, createdAt })
  }

  #push(entry: Entry): void {
    this.#entries.push({ offset: this.#settled, entry })
    this.#settled += lengthOf(entry)
  }

  #firstEndingAfter(offset: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const placed = this.#entries[middle]
      if (placed && endOf(placed) > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
