/**
 * Bytes of one bulk write, by the estimate below. Servers take 48 MB a message and 16 MB a document; a fraction of it
 * already makes the round trip cheap, and is short enough for the silence a socket may keep.
 */
const CHUNK_BYTES = 8 * 1024 * 1024

/** Writes of one bulk write: with one of them each, as many turns as a node has live share one round trip. */
const CHUNK_WRITES = 256

/** At least one write each, and then as many as surely fit. */
export function* chunksOf<T>(writes: readonly T[]): Generator<T[]> {
  let chunk: T[] = []
  let bytes = 0
  for (const write of writes) {
    const size = atMostBytes(write)
    if (chunk.length > 0 && (bytes + size > CHUNK_BYTES || chunk.length === CHUNK_WRITES)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(write)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}

/** BSON bytes of a scalar with its type and the key's end. */
const SCALAR_BYTES = 12

/** UTF-8 bytes that one UTF-16 unit can need. */
const UNIT_BYTES = 3

function atMostBytes(value: unknown): number {
  if (typeof value === 'string') return SCALAR_BYTES + value.length * UNIT_BYTES
  if (typeof value !== 'object' || value === null) return SCALAR_BYTES
  let bytes = SCALAR_BYTES
  for (const [key, item] of Object.entries(value)) bytes += key.length * UNIT_BYTES + atMostBytes(item)
  return bytes
}
