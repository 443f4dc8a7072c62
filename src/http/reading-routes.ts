import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response, Router } from 'express'
import { z } from 'zod'
import { RelayError } from '../protocol/errors.ts'
import type { Access } from '../sessions/access.ts'
import { sessionStatus } from '../sessions/session-status.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import { viewOfSession } from '../turns/chat-sessions.ts'
import type { Clock } from '../turns/clock.ts'
import { EXPORT_FORMATS, exportSession } from '../turns/exporting.ts'
import { entriesOf } from '../turns/turn-entries.ts'
import { readTurn } from '../turns/turn-reader.ts'
import { KEY_KINDS } from '../turns/turn-store.ts'
import type { TurnHeader, TurnStore } from '../turns/turn-store.ts'
import { usageByDay } from '../turns/usage-by-day.ts'
import { USERS, identified, parse } from './request.ts'

export interface ReadingWorld {
  readonly access: Access
  readonly store: TurnStore
  readonly sessions: ChatSessions
  readonly clock: Clock
}

const attempt = z.object({ attempt: z.coerce.number().int().min(1).optional() })
const lastDays = z.object({ days: z.coerce.number().int().min(1).max(92).default(30) })
const exported = z.object({ format: z.enum(EXPORT_FORMATS).default('markdown') })
const EXPORT_TYPES = { markdown: 'text/markdown; charset=utf-8', jsonl: 'application/jsonl; charset=utf-8' }

/** What there is to read of a user's turns, whole. */
export function addReadingRoutes(router: Router, world: ReadingWorld): void {
  const { access, store, sessions } = world
  const turnOf = async (userId: string, turnId: string): Promise<TurnHeader> => {
    const header = await store.readTurn(turnId)
    if (header?.userId !== userId) throw new RelayError('not_found', `There is no turn ${turnId}.`)
    return header
  }

  router.get('/turns/:id', async (request, response) => {
    const { userId } = await identified(access, request, KEY_KINDS)
    const wanted = parse(attempt, request.query)
    const { turnId } = await turnOf(userId, request.params.id)
    const turn = await readTurn(store, turnId, wanted.attempt)
    if (!turn) throw new RelayError('not_found', `Turn ${turnId} has no attempt ${wanted.attempt}.`)
    response.json(turn)
  })
  router.get('/turns/:id/entries', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    const header = await turnOf(userId, request.params.id)
    await send(response, 'application/jsonl; charset=utf-8', lines(entriesOf(store, header)))
  })
  router.get('/chat-sessions/:id/export', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    const { format } = parse(exported, request.query)
    const session = await sessions.of(userId, request.params.id)
    const live = session.liveTurnId === undefined ? undefined : await store.readTurn(session.liveTurnId)
    const view = viewOfSession(session, sessionStatus(session, live ? [live] : []))
    await send(response, EXPORT_TYPES[format], exportSession(store, view, format))
  })
  router.get('/usage', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    const { days } = parse(lastDays, request.query)
    response.json({ days: await usageByDay(store, userId, days, world.clock.now()) })
  })
}

async function* lines(values: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}

/** Piece by piece, as fast as it is taken; a reader that goes away ends it. */
async function send(response: Response, type: string, pieces: AsyncIterable<string>): Promise<void> {
  response.setHeader('content-type', type)
  try {
    await pipeline(Readable.from(pieces), response)
  } catch (error) {
    // Its reader has left, or the store could not go on: what was begun must not look whole.
    if (!response.headersSent) throw error
    response.destroy()
  }
}
