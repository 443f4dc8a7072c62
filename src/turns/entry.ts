import type { ToolDetail } from '../protocol/position.ts'
import type { Json } from '../protocol/values.ts'

export type Mode = 'thinking' | 'responding'

/** Text in one mode; its length is its UTF-16 units. */
export interface TextEntry {
  readonly kind: 'text'
  readonly mode: Mode
  readonly text: string
  /** When the entry began, epoch ms on the clock of whoever appended it: for people only. */
  readonly createdAt: number
}

/** A tool call; length 1. With a response it is already answered. */
export interface CallEntry {
  readonly kind: 'call'
  readonly callId: string
  readonly name: string
  readonly parameters: string
  readonly response: string
  readonly detail?: ToolDetail
  readonly truncated?: boolean
  readonly createdAt: number
}

/** What came of the newest call of the lane with this `callId`; length 1. The last result counts. */
export interface ResultEntry {
  readonly kind: 'result'
  readonly callId: string
  readonly response: string
  readonly isError?: boolean
  /** From the call to this result, ms, as its drone measured it. */
  readonly durationMs?: number
  readonly detail?: ToolDetail
  readonly truncated?: boolean
  readonly subagent?: Json
  readonly stats?: Json
  readonly createdAt: number
}

export type Entry = TextEntry | CallEntry | ResultEntry

/** An entry and the length its lane had before it. */
export interface Placed {
  readonly offset: number
  readonly entry: Entry
}

export function lengthOf(entry: Entry): number {
  return entry.kind === 'text' ? entry.text.length : 1
}

export function endOf(placed: Placed): number {
  return placed.offset + lengthOf(placed.entry)
}

/** The part of `placed` that lies in `[from, to)`, or undefined where nothing does. */
export function slicePlaced(placed: Placed, from: number, to = Number.POSITIVE_INFINITY): Placed | undefined {
  const end = endOf(placed)
  if (from >= end || to <= placed.offset) return undefined
  const { entry, offset } = placed
  if (entry.kind !== 'text' || (from <= offset && to >= end)) return placed
  const start = Math.max(from, offset)
  return { offset: start, entry: { ...entry, text: entry.text.slice(start - offset, to - offset) } }
}
