import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import { z } from 'zod'
import { RelayError } from '../protocol/errors.ts'
import { searchAnswer, searchRequest } from '../protocol/search.ts'
import { dayUsage, turnView } from '../protocol/turn-view.ts'
import { search } from '../search/searching.ts'
import { viewNow } from '../sessions/session-status.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import type { Clock } from '../turns/clock.ts'
import { EXPORT_FORMATS, exportSession } from '../turns/exporting.ts'
import { entriesOf } from '../turns/turn-entries.ts'
import { readTurn } from '../turns/turn-reader.ts'
import { KEY_KINDS } from '../turns/turn-store.ts'
import type { TurnHeader, TurnStore } from '../turns/turn-store.ts'
import { usageByDay } from '../turns/usage-by-day.ts'
import { USERS } from './request.ts'
import { route } from './route.ts'
import type { Route } from './route.ts'

export interface ReadingWorld {
  readonly store: TurnStore
  readonly sessions: ChatSessions
  readonly clock: Clock
}

const attempt = z.object({ attempt: z.coerce.number().int().min(1).optional() })
const lastDays = z.object({ days: z.coerce.number().int().min(1).max(92).default(30) })
const exported = z.object({ format: z.enum(EXPORT_FORMATS).default('markdown') })
const searched = searchRequest.extend({ limit: z.coerce.number().pipe(z.int().min(1).max(50)).optional() })
const EXPORT_TYPES = { markdown: 'text/markdown; charset=utf-8', jsonl: 'application/jsonl; charset=utf-8' }

/** What there is to read of a user's turns, whole. */
export function readingRoutes({ store, sessions, clock }: ReadingWorld): Route[] {
  const turnOf = async (userId: string, turnId = ''): Promise<TurnHeader> => {
    const header = await store.readTurn(turnId)
    if (header?.userId !== userId) throw new RelayError('not_found', `There is no turn ${turnId}.`)
    return header
  }
  return [
    route(
      {
        method: 'get',
        path: '/turns/:id',
        summary: 'A turn with its words; `attempt` for an earlier one',
        keys: KEY_KINDS,
        query: attempt,
        answer: turnView,
      },
      async ({ identity, params, query }) => {
        const { turnId } = await turnOf(identity.userId, params['id'])
        const turn = await readTurn(store, turnId, query.attempt)
        if (!turn) throw new RelayError('not_found', `Turn ${turnId} has no attempt ${query.attempt}.`)
        return turn
      },
    ),
    route(
      {
        method: 'get',
        path: '/turns/:id/entries',
        summary:
          'The entries of a turn in the order in which they were said, `{ lane, offset, entry }` a line',
        keys: USERS,
        answer: [{ mediaType: 'application/jsonl', description: 'One entry a line' }],
      },
      async ({ identity, params, response }) => {
        const header = await turnOf(identity.userId, params['id'])
        return send(response, EXPORT_TYPES.jsonl, lines(entriesOf(store, header)))
      },
    ),
    route(
      {
        method: 'get',
        path: '/chat-sessions/:id/export',
        summary: 'A session whole, its oldest turn first',
        keys: USERS,
        query: exported,
        answer: [
          { mediaType: 'text/markdown', description: 'For people' },
          { mediaType: 'application/jsonl', description: 'The session, then a turn a line' },
        ],
      },
      async ({ identity, params, query: { format }, response }) => {
        const session = await sessions.of(identity.userId, params['id'] ?? '')
        const view = await viewNow(store, session)
        return send(response, EXPORT_TYPES[format], exportSession(store, view, format))
      },
    ),
    route(
      {
        method: 'get',
        path: '/search',
        summary: 'The turns with all words of `query` in their prompts and answers, what ended last first',
        keys: USERS,
        query: searched,
        answer: searchAnswer,
      },
      ({ identity, query }) => search(store, identity.userId, query),
    ),
    route(
      {
        method: 'get',
        path: '/usage',
        summary: 'Tokens and cost by day (UTC), the newest first',
        keys: USERS,
        query: lastDays,
        answer: z.object({ days: z.array(dayUsage) }),
      },
      async ({ identity, query: { days } }) => ({
        days: await usageByDay(store, identity.userId, days, clock.now()),
      }),
    ),
  ]
}

async function* lines(values: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}

/** Piece by piece, as fast as it is taken; a reader that goes away ends it. */
async function send(response: Response, type: string, pieces: AsyncIterable<string>): Promise<undefined> {
  response.setHeader('content-type', type)
  try {
    await pipeline(Readable.from(pieces), response)
  } catch (error) {
    // Its reader has left, or the store could not go on: what was begun must not look whole.
    if (!response.headersSent) throw error
    response.destroy()
  }
}
