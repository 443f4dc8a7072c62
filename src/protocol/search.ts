import { z } from 'zod'
import { turnStatus } from './turn-view.ts'
import { count, isoTime, name, opt, ownId, text } from './values.ts'

/** What is searched: words, all of which have to be there; `perm*` is any that begins so. */
export const searchRequest = z.object({
  query: text.min(1).max(500),
  after: opt(text),
  limit: opt(z.int().min(1).max(50)),
})

/** A turn that was found, and the words around what was searched. */
export const searchHit = z.object({
  turnId: ownId,
  chatSessionId: name,
  title: opt(text),
  status: turnStatus,
  createdAt: isoTime,
  place: z.enum(['prompt', 'steer', 'response']),
  excerpt: text,
  /** `[start, end)` within the excerpt, UTF-16 units. */
  matches: z.array(z.tuple([count, count])),
})
export type SearchHit = z.infer<typeof searchHit>

/** `partial`: so many words begin as asked that some were left out. */
export const searchAnswer = z.object({
  hits: z.array(searchHit),
  next: opt(text),
  partial: opt(z.boolean()),
})
export type SearchAnswer = z.infer<typeof searchAnswer>
