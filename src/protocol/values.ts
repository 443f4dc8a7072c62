import { z } from 'zod'

/** Control characters never belong in a name: they would break logs, terminals and keys. */
// oxlint-disable-next-line no-control-regex
const NAME = /^[^\u0000-\u001f\u007f-\u009f]{1,512}$/

const OWN_ID = /^[A-Za-z0-9_-]{1,64}$/

/** How deep opaque JSON (metadata, payloads, surface specs) may nest: deeper is a mistake or an attack. */
const MAX_DEPTH = 32

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

/** The document's rule "null means absent": accepts null where a field may be missing, and yields undefined. */
export function opt<T extends z.ZodType>(schema: T): z.ZodOptional<T> {
  const absent = schema.nullish().transform((value) => value ?? undefined)
  return absent.optional() as unknown as z.ZodOptional<T>
}

/** An id that the relay made: safe as a key, a room and a path. */
export const ownId = z.string().regex(OWN_ID, 'expected 1 to 64 of A-Z a-z 0-9 _ -')

/** A name that somebody else made: opaque, 1 to 512 characters, no control characters. */
export const name = z
  .string()
  .regex(NAME, 'expected 1 to 512 characters without control characters')
  .refine((value) => value.isWellFormed(), 'expected well-formed Unicode')

/** A lane: `''` is the turn's own, any other is the name of a subagent. */
export const laneName = z.union([z.literal(''), name])

/** As `ownId` takes it, without an answer why not. */
export function isOwnId(value: unknown): value is string {
  return typeof value === 'string' && OWN_ID.test(value)
}

/** As `laneName` takes it, alike; `''` is none of these. */
export function isLaneName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value) && value.isWellFormed()
}

export const count = z.int().min(0)
/** Columns or rows of a terminal. */
export const size = z.int().min(1).max(1000)
export const text = z.string()
export const isoTime = z.string()

function isPlain(value: unknown, depth: number): boolean {
  if (depth > MAX_DEPTH) return false
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1))
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  return Object.entries(value).every(([key, item]) => !FORBIDDEN_KEYS.has(key) && isPlain(item, depth + 1))
}

/** JSON that the relay carries without looking inside. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export const json = z
  .unknown()
  .refine(
    (value) => isPlain(value, 0),
    `expected plain JSON, at most ${MAX_DEPTH} deep`,
  ) as unknown as z.ZodType<Json>

export const jsonObject = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => isPlain(value, 0),
    `expected plain JSON, at most ${MAX_DEPTH} deep`,
  ) as unknown as z.ZodType<{
  [key: string]: Json
}>

/** Terminal bytes: the only binary that the protocol carries. */
export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes')
