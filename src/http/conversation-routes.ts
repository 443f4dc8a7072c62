import type { RequestHandler, Router } from 'express'
import { z } from 'zod'
import { chatQueue, permissionChoice } from '../protocol/code-up.ts'
import type { PermissionChoice } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import { name as nameSchema } from '../protocol/values.ts'
import type { Access } from '../sessions/access.ts'
import { listSessions } from '../sessions/code-session.ts'
import { sessionStatus } from '../sessions/session-status.ts'
import { keepAttachment } from '../turns/attachments.ts'
import { viewOfSession } from '../turns/chat-sessions.ts'
import { cancelQueued, editQueued, queueMessage, viewOfQueue } from '../turns/message-queue.ts'
import type { Queueing } from '../turns/message-queue.ts'
import { summaryOf } from '../turns/turn-reader.ts'
import { USERS, identified, pageOf, parse } from './request.ts'

export interface ConversationWorld extends Queueing {
  readonly access: Access
  /** Throws while the relay stops. */
  checkOpen(): void
  retry(userId: string, turnId: string): Promise<{ attempt: number }>
  abort(userId: string, turnId: string): Promise<{ turnId: string; status: TurnStatus }>
  choose(userId: string, choice: PermissionChoice): Promise<{ optionId: string | null; by?: string }>
}

const fileName = z.object({ name: nameSchema })
const edit = z.object({ content: z.string().min(1) })

/** Sessions, messages and turns: what a user's programs do. `raw` reads a body as bytes. */
export function addConversationRoutes(router: Router, world: ConversationWorld, raw: RequestHandler): void {
  const { access } = world
  addSessions(router, world)
  addMessages(router, world, raw)
  router.post('/turns/:id/retry', async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    response.json(await world.retry(userId, request.params.id))
  })
  router.post('/turns/:id/abort', async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    response.json(await world.abort(userId, request.params.id))
  })
  router.post('/permissions', async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    response.json(await world.choose(userId, parse(permissionChoice, request.body ?? {})))
  })
}

function addSessions(router: Router, world: ConversationWorld): void {
  const { access, store, sessions } = world
  router.get('/chat-sessions', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    response.json(await listSessions(world, userId, pageOf(request)))
  })
  router.get('/chat-sessions/:id', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    const session = await sessions.of(userId, request.params.id)
    const live = session.liveTurnId === undefined ? undefined : await store.readTurn(session.liveTurnId)
    const status = sessionStatus(session, live ? [live] : [])
    response.json({ session: viewOfSession(session, status), queue: viewOfQueue(session.queue) })
  })
  router.get('/chat-sessions/:id/turns', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    const session = await sessions.of(userId, request.params.id)
    const { items, next } = await store.turnsOfSession(session.chatSessionId, pageOf(request))
    response.json({ turns: items.map((header) => summaryOf(header)), next })
  })
}

function addMessages(router: Router, world: ConversationWorld, raw: RequestHandler): void {
  const { access, store } = world
  router.post('/messages', async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    world.checkOpen()
    response.status(202).json(await queueMessage(world, userId, parse(chatQueue, request.body ?? {})))
  })
  router.patch('/chat-sessions/:id/queue/:messageId', async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    const { id: chatSessionId, messageId } = request.params
    const { content } = parse(edit, request.body ?? {})
    response.json(await editQueued(world, userId, { chatSessionId, messageId, content }))
  })
  router.delete('/chat-sessions/:id/queue/:messageId', async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    const { id: chatSessionId, messageId } = request.params
    response.json(await cancelQueued(world, userId, { chatSessionId, messageId }))
  })

  router.post('/attachments', raw, async (request, response) => {
    const { userId } = await identified(access, request, ['code'])
    const { name } = parse(fileName, request.query)
    const mediaType = request.headers['content-type'] ?? 'application/octet-stream'
    const bytes: unknown = request.body
    const file = Buffer.isBuffer(bytes) ? bytes : new Uint8Array()
    response.status(201).json(await keepAttachment(world, userId, { name, mediaType }, file))
  })
  router.get('/attachments/:id', async (request, response) => {
    const { userId } = await identified(access, request, USERS)
    const found = await store.findAttachment(request.params.id)
    const bytes = found?.userId === userId ? await store.readAttachment(found.attachmentId) : undefined
    if (!found || !bytes) throw new RelayError('not_found', `There is no attachment ${request.params.id}.`)
    // Whatever it says it is, a browser keeps it as a file: a page of somebody's must not run as one of ours.
    response.attachment(found.name).type(found.mediaType).send(Buffer.from(bytes))
  })
}
