import { z } from 'zod'
import {
  chatQueue,
  chatQueueAnswer,
  codeUp,
  openPermission,
  permissionChoice,
  queuedMessage,
} from '../protocol/code-up.ts'
import type { PermissionChoice } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { attachmentView, sessionView, turnStatus, turnSummary } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import { name, ownId } from '../protocol/values.ts'
import { listSessions } from '../sessions/code-session.ts'
import { viewNow } from '../sessions/session-status.ts'
import { keepAttachment } from '../turns/attachments.ts'
import { cancelQueued, editQueued, queueMessage, viewOfQueue } from '../turns/message-queue.ts'
import type { Queueing } from '../turns/message-queue.ts'
import type { Permissions } from '../turns/permissions.ts'
import { summaryOf } from '../turns/turn-reader.ts'
import { USERS, page } from './request.ts'
import { route } from './route.ts'
import type { Route } from './route.ts'

export interface ConversationWorld extends Queueing {
  readonly permissions: Pick<Permissions, 'openOf'>
  /** Throws while the relay stops. */
  checkOpen(): void
  retry(userId: string, turnId: string): Promise<{ attempt: number }>
  abort(userId: string, turnId: string): Promise<{ turnId: string; status: TurnStatus }>
  choose(userId: string, choice: PermissionChoice): Promise<{ optionId: string | null; by?: string }>
}

const next = z.string().optional()
const edit = z.object({ content: z.string().min(1) })
const begunOrNot = z.object({ turnId: ownId.optional() })

/** Sessions, messages and turns: what a user's programs do. */
export function conversationRoutes(world: ConversationWorld): Route[] {
  return [...sessionRoutes(world), ...messageRoutes(world), ...attachmentRoutes(world), ...turnRoutes(world)]
}

function sessionRoutes(world: ConversationWorld): Route[] {
  const { store, sessions } = world
  return [
    route(
      {
        method: 'get',
        path: '/chat-sessions',
        summary: 'The sessions, the newest change first',
        keys: USERS,
        query: page,
        answer: z.object({ sessions: z.array(sessionView), next }),
      },
      ({ identity, query }) => listSessions(world, identity.userId, query),
    ),
    route(
      {
        method: 'get',
        path: '/chat-sessions/:id',
        summary: 'A session, and what waits in it',
        keys: USERS,
        answer: z.object({ session: sessionView, queue: z.array(queuedMessage) }),
      },
      async ({ identity, params }) => {
        const session = await sessions.of(identity.userId, params['id'] ?? '')
        return { session: await viewNow(store, session), queue: viewOfQueue(session.queue) }
      },
    ),
    route(
      {
        method: 'get',
        path: '/chat-sessions/:id/turns',
        summary: 'The turns of a session, the newest first, without their words',
        keys: USERS,
        query: page,
        answer: z.object({ turns: z.array(turnSummary), next }),
      },
      async ({ identity, params, query }) => {
        const { chatSessionId } = await sessions.of(identity.userId, params['id'] ?? '')
        const found = await store.turnsOfSession(chatSessionId, query)
        return { turns: found.items.map((header) => summaryOf(header)), next: found.next }
      },
    ),
  ]
}

function messageRoutes(world: ConversationWorld): Route[] {
  const waiting = '/chat-sessions/:id/queue/:messageId'
  const place = (params: Readonly<Record<string, string>>) => ({
    chatSessionId: params['id'] ?? '',
    messageId: params['messageId'] ?? '',
  })
  return [
    route(
      {
        method: 'post',
        path: '/messages',
        summary: 'Starts a turn, steers the live one, or waits for its end; once for each `messageId`',
        keys: ['code'],
        body: chatQueue,
        status: 202,
        answer: chatQueueAnswer,
      },
      async ({ identity, body }) => {
        world.checkOpen()
        return queueMessage(world, identity.userId, body)
      },
    ),
    route(
      {
        method: 'patch',
        path: waiting,
        summary: 'Other words for a message that waits; one that has started answers its turn',
        keys: ['code'],
        body: edit,
        answer: begunOrNot,
      },
      ({ identity, params, body }) =>
        editQueued(world, identity.userId, { ...place(params), content: body.content }),
    ),
    route(
      {
        method: 'delete',
        path: waiting,
        summary: 'Takes a message back that waits; one that has started answers its turn',
        keys: ['code'],
        answer: begunOrNot,
      },
      ({ identity, params }) => cancelQueued(world, identity.userId, place(params)),
    ),
  ]
}

function attachmentRoutes(world: ConversationWorld): Route[] {
  const { store } = world
  return [
    route(
      {
        method: 'post',
        path: '/attachments',
        summary: 'Keeps the body as a file, of its Content-Type, for messages to come',
        keys: ['code'],
        query: z.object({ name }),
        body: 'bytes',
        status: 201,
        answer: attachmentView,
      },
      async ({ identity, query, request }) => {
        const mediaType = request.headers['content-type'] ?? 'application/octet-stream'
        const bytes: unknown = request.body
        const file = Buffer.isBuffer(bytes) ? bytes : new Uint8Array()
        return keepAttachment(world, identity.userId, { name: query.name, mediaType }, file)
      },
    ),
    route(
      {
        method: 'get',
        path: '/attachments/:id',
        summary: 'A file of one’s own, as it was uploaded',
        keys: USERS,
        answer: [{ mediaType: '*/*', description: 'The file' }],
      },
      async ({ identity, params, response }) => {
        const found = await store.findAttachment(params['id'] ?? '')
        const isMine = found?.userId === identity.userId
        const bytes = isMine ? await store.readAttachment(found.attachmentId) : undefined
        if (!found || !bytes) throw new RelayError('not_found', `There is no attachment ${params['id']}.`)
        // Whatever it says it is, a browser keeps it as a file: a page of somebody's must not run as one of ours.
        response.attachment(found.name).type(found.mediaType).send(Buffer.from(bytes))
        return undefined
      },
    ),
  ]
}

function turnRoutes(world: ConversationWorld): Route[] {
  return [
    route(
      {
        method: 'post',
        path: '/turns/:id/retry',
        summary: 'The next attempt of a turn: the yes it waits for, or one more try of the last',
        keys: ['code'],
        answer: z.object({ attempt: z.int() }),
      },
      ({ identity, params }) => world.retry(identity.userId, params['id'] ?? ''),
    ),
    route(
      {
        method: 'post',
        path: '/turns/:id/abort',
        summary: 'Ends a turn now',
        keys: ['code'],
        answer: z.object({ turnId: ownId, status: turnStatus }),
      },
      ({ identity, params }) => world.abort(identity.userId, params['id'] ?? ''),
    ),
    route(
      {
        method: 'get',
        path: '/permissions',
        summary: 'What agents ask and nobody has answered',
        keys: USERS,
        answer: z.object({ permissions: z.array(openPermission.extend({ chatSessionId: name })) }),
      },
      async ({ identity }) => ({
        permissions: [...world.turns.all()]
          .filter(({ request }) => request.userId === identity.userId)
          .flatMap(({ turnId, chatSessionId }) =>
            world.permissions.openOf(turnId).map((permission) => ({ ...permission, chatSessionId })),
          ),
      }),
    ),
    route(
      {
        method: 'post',
        path: '/permissions',
        summary: 'Answers what an agent asks; the first answer counts',
        keys: ['code'],
        body: permissionChoice,
        answer: codeUp['permission:respond'].answer,
      },
      ({ identity, body }) => world.choose(identity.userId, body),
    ),
  ]
}
