import { ByteLog } from './byte-log.ts'

export interface Size {
  readonly cols: number
  readonly rows: number
}

/** The terminal has this size from an offset on. */
export interface Resize extends Size {
  readonly offset: number
}

/** What a terminal of that size shows when everything before `offset` was written to it, as bytes that draw it. */
export interface Snapshot extends Resize {
  readonly screen: string
}

/** How its program ended: null where nobody knows. Nothing comes after `offset`. */
export interface Exit {
  readonly offset: number
  readonly exitCode: number | null
}

/** Changes of the size that are kept: a window that is dragged makes many, and only the last at an offset counts. */
const MOST_RESIZES = 1000

/** The last bytes of a terminal with the changes of its size at their places, its last snapshot, and its end. */
export class TerminalLog {
  readonly #bytes: ByteLog
  /** What it was at the oldest byte that is kept, and what it became later. */
  #sizes: Resize[]
  #snapshot: Snapshot | undefined
  #exit: Exit | undefined

  /** Keeps at most `most` bytes. */
  constructor({ cols, rows }: Size, most: number) {
    this.#bytes = new ByteLog(most)
    this.#sizes = [{ offset: 0, cols, rows }]
  }

  get base(): number {
    return this.#bytes.base
  }

  get head(): number {
    return this.#bytes.head
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  /** There is one after which every byte is kept. */
  get hasSnapshot(): boolean {
    return this.#snapshot !== undefined && this.#snapshot.offset >= this.base
  }

  /** The last one after which every byte is kept. Where there is none, an empty screen where the bytes begin. */
  get lastSnapshot(): Snapshot {
    if (this.#snapshot && this.#snapshot.offset >= this.base) return this.#snapshot
    return { ...this.sizeAt(this.base), offset: this.base, screen: '' }
  }

  /** It goes on from an offset: what was before that is not known here. */
  begin({ offset, cols, rows }: Resize): void {
    this.#bytes.restart(offset)
    this.#sizes = [{ offset, cols, rows }]
  }

  /** False, and nothing is taken, where bytes before these are missing. What is known already is left out. */
  take(offset: number, bytes: Uint8Array): boolean {
    const { head } = this.#bytes
    if (offset > head) return false
    if (offset + bytes.length > head) this.#bytes.add(bytes.subarray(head - offset))
    this.#forgetSizes()
    return true
  }

  /** False where bytes before it are missing. */
  resized({ offset, cols, rows }: Resize): boolean {
    if (offset > this.head) return false
    const last = this.#sizes.at(-1)
    if (last && offset < last.offset) return true
    if (last?.cols === cols && last.rows === rows) return true
    if (last?.offset === offset) this.#sizes.pop()
    this.#sizes.push({ offset, cols, rows })
    const [, second] = this.#sizes
    if (this.#sizes.length > MOST_RESIZES && second) {
      this.#bytes.dropBefore(second.offset)
      this.#forgetSizes()
    }
    return true
  }

  /** One that is ahead stands for the bytes that will not come any more. */
  snapshot({ offset, cols, rows, screen }: Snapshot): void {
    if (offset < this.base || (this.#snapshot && offset < this.#snapshot.offset)) return
    this.#snapshot = { offset, cols, rows, screen }
    if (offset > this.head) this.begin({ offset, cols, rows })
  }

  exited(exitCode: number | null): Exit {
    this.#exit ??= { offset: this.head, exitCode }
    return this.#exit
  }

  /** The size it has when everything before an offset was written. */
  sizeAt(offset: number): Size {
    const { cols, rows } = this.#sizes.findLast((size) => size.offset <= offset) ?? this.#firstSize()
    return { cols, rows }
  }

  /** At most `most` bytes from an offset on, as far as the size stays: none at the head, or where another size begins. */
  read(from: number, most: number): Buffer {
    const next = this.#sizes.find(({ offset }) => offset > from)
    return this.#bytes.read(from, next ? Math.min(most, next.offset - from) : most)
  }

  #forgetSizes(): void {
    const first = this.#sizes.findLastIndex(({ offset }) => offset <= this.base)
    if (first > 0) this.#sizes.splice(0, first)
  }

  #firstSize(): Resize {
    const [first] = this.#sizes
    if (!first) throw new Error('a terminal without a size')
    return first
  }
}
