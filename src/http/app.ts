import type { Express } from 'express'
import { RelayError } from '../protocol/errors.ts'
import type { Logger } from '../sessions/socket-session.ts'
import { conversationRoutes } from './conversation-routes.ts'
import type { ConversationWorld } from './conversation-routes.ts'
import { fleetRoutes } from './fleet-routes.ts'
import type { FleetWorld } from './fleet-routes.ts'
import { KEY_KINDS } from '../turns/turn-store.ts'
import { addDocs } from './docs.ts'
import { problems, sendProblem } from './problem.ts'
import { readingRoutes } from './reading-routes.ts'
import { identified } from './request.ts'
import { mount } from './route.ts'

/** Of JSON: as much as a packet of a socket may have. */
const BODY_LIMIT = '2mb'

export interface HttpWorld extends Omit<FleetWorld, 'store'>, ConversationWorld {
  readonly logger: Logger
  /** Why the relay takes no work just now, if it does not. */
  notReady(): Promise<string | undefined>
}

/** The HTTP side: what there is to read, what users and operators may do, and how the relay is. */
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
  const api = express.Router()
  const json = express.json({ limit: BODY_LIMIT })
  const raw = express.raw({ type: () => true, limit: world.attachmentsBytes })
  // Nothing is read of somebody without a key.
  app.use('/api/v1', async (request, _response, next) => {
    await identified(world.access, request, KEY_KINDS)
    next()
  })
  // A file may be JSON, too: it is read as it is.
  app.use('/api/v1', (request, response, next) =>
    request.method === 'POST' && request.path === '/attachments' ? next() : json(request, response, next),
  )
  const routes = [...fleetRoutes(world), ...conversationRoutes(world), ...readingRoutes(world)]
  mount(api, routes, { access: world.access, raw })
  addDocs(app, routes)
  app.use('/api/v1', api)
  app.use((request, response) => {
    sendProblem(response, new RelayError('not_found', `There is nothing at ${request.path}.`))
  })
  app.use(problems(world.logger))
  return app
}
