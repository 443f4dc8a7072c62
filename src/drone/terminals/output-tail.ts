import { stripVTControlCharacters } from 'node:util'

/** The last bytes that a program has written, as text. */
export class OutputTail {
  readonly #most: number
  #pieces: Buffer[] = []
  #length = 0
  #truncated = false

  /** `most` bytes are kept: rather less than more. */
  constructor(most: number) {
    this.#most = most
  }

  add(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#length += bytes.length
    // Cut now and then, and not with every piece.
    if (this.#length > 2 * this.#most) this.#cut()
  }

  get truncated(): boolean {
    return this.#truncated || this.#length > this.#most
  }

  /** What a reader sees of it: without colours and other sequences, and of a line that was written over the last words. */
  text(): string {
    if (this.#length > this.#most) this.#cut()
    const whole = this.#joined()
    const from = this.#truncated ? characterFrom(whole) : 0
    const text = stripVTControlCharacters(whole.subarray(from).toString('utf8'))
    return text
      .replaceAll('\r\n', '\n')
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf('\r', line.length - 2) + 1))
      .join('\n')
  }

  #cut(): void {
    const whole = this.#joined()
    this.#pieces = [Buffer.from(whole.subarray(whole.length - this.#most))]
    this.#length = this.#most
    this.#truncated = true
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0), ...others] = this.#pieces
    const whole = others.length === 0 ? first : Buffer.concat(this.#pieces)
    this.#pieces = [whole]
    return whole
  }
}

/** Where the first whole character begins. */
function characterFrom(bytes: Buffer): number {
  let from = 0
  // Bytes 10xxxxxx go on with a character.
  while (from < Math.min(bytes.length, 4) && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++
  return from
}
