/** Bytes of a segment: those of a terminal that has said little take little. */
const FIRST_SEGMENT = 1024
const LARGEST_SEGMENT = 65_536

interface Segment {
  /** Where it begins. */
  readonly offset: number
  readonly bytes: Buffer
  length: number
}

/** The last bytes of a terminal, each at its offset: what is written when it is full takes the place of the oldest. */
export class ByteLog {
  readonly #most: number
  #segments: Segment[] = []
  #base = 0
  #head = 0

  /** Keeps at most `most` bytes. */
  constructor(most: number) {
    this.#most = most
  }

  /** The offset of the oldest byte that is kept. */
  get base(): number {
    return this.#base
  }

  /** The offset after the last one. */
  get head(): number {
    return this.#head
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const last = this.#lastWithRoom(bytes.length - at)
      const count = Math.min(bytes.length - at, last.bytes.length - last.length)
      last.bytes.set(bytes.subarray(at, at + count), last.length)
      last.length += count
      this.#head += count
      at += count
    }
    this.dropBefore(this.#head - this.#most)
  }

  /** At most `most` bytes from an offset on; fewer where a segment ends, none at the head. They stay as they are. */
  read(from: number, most: number): Buffer {
    if (from < this.#base) throw new RangeError(`Byte ${from} is not kept any more.`)
    const segment = this.#segments.find(({ offset, length }) => from < offset + length)
    if (!segment) return Buffer.alloc(0)
    const start = from - segment.offset
    return segment.bytes.subarray(start, Math.min(segment.length, start + most))
  }

  /** Forgets what is before an offset. */
  dropBefore(offset: number): void {
    if (offset <= this.#base) return
    this.#base = Math.min(offset, this.#head)
    const kept = this.#segments.findIndex((segment) => segment.offset + segment.length > this.#base)
    this.#segments.splice(0, kept === -1 ? this.#segments.length : kept)
  }

  /** Nothing is kept, and the next byte has this offset. */
  restart(offset: number): void {
    this.#segments = []
    this.#base = offset
    this.#head = offset
  }

  #lastWithRoom(wanted: number): Segment {
    const last = this.#segments.at(-1)
    if (last && last.length < last.bytes.length) return last
    const larger = Math.max(wanted, 2 * (last?.bytes.length ?? FIRST_SEGMENT / 2))
    const size = Math.min(larger, LARGEST_SEGMENT, Math.max(this.#most, FIRST_SEGMENT))
    const segment = { offset: this.#head, bytes: Buffer.allocUnsafeSlow(size), length: 0 }
    this.#segments.push(segment)
    return segment
  }
}
