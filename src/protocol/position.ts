import { z } from 'zod'
import { count, json, laneName, name, opt, ownId, text } from './values.ts'

/** `at`: where an entry goes, or (as a head or cursor) how long a lane is. */
export const position = z.object({
  turnId: ownId,
  attempt: z.int().min(1),
  lane: opt(laneName),
  /** The lane's length before the entry, in units: a UTF-16 unit of text counts 1, a tool call 1, a result 1. */
  offset: count,
})
export type Position = z.infer<typeof position>

/** A lane and its length, where turn and attempt are already said. */
export const laneHead = z.object({ lane: laneName, offset: count })
export type LaneHead = z.infer<typeof laneHead>

/** The same as a peer says it: `lane` may be missing. */
export const statedHead = z.object({ lane: opt(laneName), offset: count })

export const diff = z.object({ path: text, oldText: opt(text), newText: text })
export const location = z.object({ path: text, line: opt(count) })

/** What an IDE can show of a tool call beyond its strings. */
export const toolDetail = z.object({
  title: opt(text),
  kind: opt(name),
  locations: opt(z.array(location).max(1000)),
  diffs: opt(z.array(diff).max(1000)),
})
export type ToolDetail = z.infer<typeof toolDetail>

export const callAt = position.extend({ detail: opt(toolDetail), truncated: opt(z.boolean()) })
export const resultAt = callAt.extend({
  isError: opt(z.boolean()),
  /** From the call to this result, ms. */
  durationMs: opt(count),
  /** Set on the result that ends a subagent. */
  subagent: opt(json),
  stats: opt(json),
})
export type CallAt = z.infer<typeof callAt>
export type ResultAt = z.infer<typeof resultAt>
