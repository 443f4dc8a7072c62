/** Bytes of a chunk, from which on the next term begins another one: what a search reads for each word and segment. */
const CHUNK_BYTES = 8192
/** A byte of a number has seven bits of it, and says whether more follow. */
const MORE = 0x80

/** A term, and the numbers of the turns that have it: rising, each once. */
export interface TermNumbers {
  readonly term: string
  readonly numbers: readonly number[]
}

/** A term of a chunk, and its numbers as they are stored. */
export interface StoredTerm {
  readonly term: string
  readonly numberBytes: Uint8Array
}

/** The terms of a chunk, in their order. */
export function* termsOf(bytes: Uint8Array): Generator<StoredTerm, undefined> {
  const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = { place: 0 }
  while (at.place < chunk.length) {
    const termEnd = readNumber(chunk, at) + at.place
    const term = chunk.toString('utf8', at.place, termEnd)
    at.place = termEnd
    const numbersEnd = readNumber(chunk, at) + at.place
    yield { term, numberBytes: chunk.subarray(at.place, numbersEnd) }
    at.place = numbersEnd
  }
  return undefined
}

/** The numbers of a term as they are stored, as numbers. */
export function numbersOf(bytes: Uint8Array): number[] {
  const numbers: number[] = []
  addNumbers(bytes, numbers)
  return numbers
}

/**
 * A chunk that terms are added to, in their order, each once: the length of the term, the term, the bytes of its
 * numbers, and its numbers as steps from one to the next.
 */
export class ChunkWriter {
  #bytes = Buffer.allocUnsafe(2 * CHUNK_BYTES)
  #length = 0
  #first: string | undefined

  /** The next term begins another one. */
  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES
  }

  add(term: string, numbers: readonly number[]): void {
    let numberBytes = 0
    forSteps(numbers, (step) => (numberBytes += sizeOf(step)))
    this.#begin(term, numberBytes)
    forSteps(numbers, (step) => this.#addNumber(step))
  }

  /** A term whose numbers stay as they are stored. */
  copy({ term, numberBytes }: StoredTerm): void {
    this.#begin(term, numberBytes.length)
    this.#bytes.set(numberBytes, this.#length)
    this.#length += numberBytes.length
  }

  /** What has been added, if anything, with its first term; it begins anew then. */
  take(): { readonly first: string; readonly bytes: Uint8Array } | undefined {
    if (this.#first === undefined) return undefined
    const taken = { first: this.#first, bytes: this.#bytes.subarray(0, this.#length) }
    this.#bytes = Buffer.allocUnsafe(2 * CHUNK_BYTES)
    this.#length = 0
    this.#first = undefined
    return taken
  }

  #begin(term: string, numberBytes: number): void {
    this.#first ??= term
    const termBytes = Buffer.byteLength(term)
    this.#makeRoom(termBytes + numberBytes + sizeOf(termBytes) + sizeOf(numberBytes))
    this.#addNumber(termBytes)
    this.#length += this.#bytes.write(term, this.#length)
    this.#addNumber(numberBytes)
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(2 * (this.#length + more))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }

  #addNumber(number: number): void {
    let left = number
    for (; left >= MORE; left = Math.floor(left / MORE)) this.#bytes[this.#length++] = (left % MORE) + MORE
    this.#bytes[this.#length++] = left
  }
}

function forSteps(numbers: readonly number[], act: (step: number) => void): void {
  let last = 0
  for (const number of numbers) {
    act(number - last)
    last = number
  }
}

function sizeOf(number: number): number {
  let size = 1
  for (let left = number; left >= MORE; left = Math.floor(left / MORE)) size++
  return size
}

function readNumber(bytes: Uint8Array, at: { place: number }): number {
  let number = 0
  for (let factor = 1; ; factor *= MORE) {
    const byte = bytes[at.place++]
    if (byte === undefined)
      throw new RangeError('A chunk of the search index ends in the middle of a number.')
    if (byte < MORE) return number + byte * factor
    number += (byte - MORE) * factor
  }
}

/** The numbers of a term in several places: rising, each once. */
export function numbersOfAll(places: readonly Uint8Array[]): number[] {
  const numbers: number[] = []
  let isRising = true
  for (const bytes of places.toSorted(byFirst)) {
    const last = numbers.at(-1) ?? -1
    const from = numbers.length
    addNumbers(bytes, numbers)
    // As a rule what was written later has later numbers only.
    if ((numbers[from] ?? Infinity) <= last) isRising = false
  }
  if (isRising) return numbers
  const sorted = numbers.toSorted((one, other) => one - other)
  return sorted.filter((number, index) => number !== sorted[index - 1])
}

function byFirst(one: Uint8Array, other: Uint8Array): number {
  return readNumber(one, { place: 0 }) - readNumber(other, { place: 0 })
}

function addNumbers(bytes: Uint8Array, numbers: number[]): void {
  const at = { place: 0 }
  let last = 0
  while (at.place < bytes.length) {
    last += readNumber(bytes, at)
    numbers.push(last)
  }
}
