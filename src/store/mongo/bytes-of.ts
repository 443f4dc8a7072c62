import type { mongo } from 'mongoose'

/** What a schema calls a Buffer. The driver gives its own Binary, whose buffer may be longer than what is in it. */
export function bytesOf(stored: Buffer): Uint8Array {
  return Uint8Array.from((stored as unknown as mongo.Binary).value())
}
