import type { Express, Request, Router } from 'express'
import { z } from 'zod'
import { permissionChoice } from '../protocol/code-up.ts'
import type { PermissionChoice } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { terminationRequest } from '../protocol/drone-down.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import type { Access } from '../sessions/access.ts'
import { listSessions } from '../sessions/code-session.ts'
import type { Operations } from '../sessions/operations.ts'
import type { Identity, Logger } from '../sessions/socket-session.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import { readTurn, summaryOf } from '../turns/turn-reader.ts'
import { KEY_KINDS } from '../turns/turn-store.ts'
import type { KeyKind, TurnStore } from '../turns/turn-store.ts'
import { problems, sendProblem } from './problem.ts'

const BODY_LIMIT = '64kb'
const PAGE_DEFAULT = 50
const PAGE_MOST = 200

export interface HttpWorld {
  readonly ops: Operations
  readonly store: TurnStore
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly access: Access
  readonly logger: Logger
  retry(userId: string, turnId: string): Promise<{ attempt: number }>
  abort(userId: string, turnId: string): Promise<{ turnId: string; status: TurnStatus }>
  choose(userId: string, choice: PermissionChoice): Promise<{ optionId: string | null; by?: string }>
  /** Why the relay takes no work just now, if it does not. */
  notReady(): Promise<string | undefined>
}

const page = z.object({
  after: z.string().max(512).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MOST).default(PAGE_DEFAULT),
})
const newKey = z.object({
  kind: z.enum(KEY_KINDS),
  user: z.string().min(1).max(200),
  label: z.string().max(200).optional(),
})
const opsReason = terminationRequest.pick({ reason: true })
const USERS: readonly KeyKind[] = ['code', 'watch']

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new RelayError('invalid_payload', `${issue?.message ?? 'invalid'} at ${issue?.path.join('.') ?? ''}`)
}

function pageOf(request: Request): { limit: number; after?: string } {
  const { after, limit } = parse(page, request.query)
  return { limit, ...(after === undefined ? {} : { after }) }
}

/** The HTTP side: what there is to read, what an operator may do, and how the relay is. */
export async function createApp(world: HttpWorld): Promise<Express> {
  // They take longer to load than all else that a relay needs before it takes work.
  const [{ default: express }, { default: helmet }] = await Promise.all([import('express'), import('helmet')])
  const app = express()
  app.disable('x-powered-by')
  app.use(helmet())
  app.get('/healthz', (_request, response) => {
    response.json({ ok: true })
  })
  app.get('/readyz', async (_request, response) => {
    const reason = await world.notReady()
    if (reason === undefined) response.json({ ok: true })
    else sendProblem(response, new RelayError('store_unavailable', reason))
  })
  app.use('/api/v1', express.json({ limit: BODY_LIMIT }), api(world, express.Router()))
  app.use((request, response) => {
    sendProblem(response, new RelayError('not_found', `There is nothing at ${request.path}.`))
  })
  app.use(problems(world.logger))
  return app
}

function api(world: HttpWorld, router: Router): Router {
  const { store, sessions } = world
  const as = (request: Request, kinds: readonly KeyKind[]): Promise<Identity> => {
    const key = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    return world.access.identify(key, kinds)
  }

  router.get('/drones', async (request, response) => {
    const { kind, userId } = await as(request, ['ops', ...USERS])
    const drones = world.ops.fleet().drones.filter((drone) => kind === 'ops' || drone.user === userId)
    response.json({ drones })
  })
  router.post('/drones/:id/terminate', async (request, response) => {
    const { userId } = await as(request, ['ops'])
    const { mode, reason } = parse(
      terminationRequest.extend({ mode: z.enum(['now', 'drain']).default('now') }),
      request.body ?? {},
    )
    response.json({ success: await world.ops.terminate(userId, request.params.id, mode, reason) })
  })

  for (const action of ['quarantine', 'release'] as const) {
    router.post(`/drones/:id/${action}`, async (request, response) => {
      const { userId } = await as(request, ['ops'])
      const { reason } = parse(opsReason, request.body ?? {})
      await world.ops[action](userId, request.params.id ?? '', reason)
      response.json({})
    })
  }

  router.get('/chat-sessions', async (request, response) => {
    const { userId } = await as(request, USERS)
    response.json(await listSessions(world, userId, pageOf(request)))
  })
  router.get('/chat-sessions/:id/turns', async (request, response) => {
    const { userId } = await as(request, USERS)
    const session = await sessions.of(userId, request.params.id)
    const { items, next } = await store.turnsOfSession(session.chatSessionId, pageOf(request))
    response.json({ turns: items.map((header) => summaryOf(header)), next })
  })
  router.get('/turns/:id', async (request, response) => {
    const { userId } = await as(request, KEY_KINDS)
    const { attempt } = parse(z.object({ attempt: z.coerce.number().int().min(1).optional() }), request.query)
    const header = await store.readTurn(request.params.id)
    const turn = header?.userId === userId ? await readTurn(store, header.turnId, attempt) : undefined
    if (!turn) throw new RelayError('not_found', `There is no turn ${request.params.id}.`)
    response.json(turn)
  })

  router.post('/turns/:id/retry', async (request, response) => {
    const { userId } = await as(request, ['code'])
    response.json(await world.retry(userId, request.params.id))
  })
  router.post('/turns/:id/abort', async (request, response) => {
    const { userId } = await as(request, ['code'])
    response.json(await world.abort(userId, request.params.id))
  })

  router.post('/permissions', async (request, response) => {
    const { userId } = await as(request, ['code'])
    response.json(await world.choose(userId, parse(permissionChoice, request.body ?? {})))
  })

  router.get('/keys', async (request, response) => {
    await as(request, ['ops'])
    const { items, next } = await store.listKeys(pageOf(request))
    response.json({ keys: items.map(({ hash: _hash, userId, ...key }) => ({ ...key, user: userId })), next })
  })
  router.post('/keys', async (request, response) => {
    await as(request, ['ops'])
    const { kind, user, label } = parse(newKey, request.body)
    response.status(201).json(await world.access.create(kind, user, label))
  })
  router.delete('/keys/:id', async (request, response) => {
    await as(request, ['ops'])
    await world.access.revoke(request.params.id)
    response.status(204).end()
  })
  return router
}
