import { z } from 'zod'
import { terminationRequest } from '../protocol/drone-down.ts'
import { fleetDrone, terminated } from '../protocol/ops.ts'
import type { Access } from '../sessions/access.ts'
import type { Operations } from '../sessions/operations.ts'
import { KEY_KINDS } from '../turns/turn-store.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import { USERS, page } from './request.ts'
import { route } from './route.ts'
import type { Route } from './route.ts'

export interface FleetWorld {
  readonly ops: Operations
  readonly store: Pick<TurnStore, 'listKeys'>
  readonly access: Access
}

const newKey = z.object({
  kind: z.enum(KEY_KINDS),
  user: z.string().min(1).max(200),
  label: z.string().max(200).optional(),
})
const keyView = newKey.extend({
  keyId: z.string(),
  createdAt: z.number(),
  revokedAt: z.number().optional(),
})
const opsReason = terminationRequest.pick({ reason: true })
const leaving = terminationRequest.extend({ mode: z.enum(['now', 'drain']).default('now') })
const nothing = z.object({})

/** Drones and keys: what an operator does. */
export function fleetRoutes({ ops, store, access }: FleetWorld): Route[] {
  const standing = (['quarantine', 'release'] as const).map((action) =>
    route(
      {
        method: 'post',
        path: `/drones/:id/${action}`,
        summary: action === 'release' ? 'Gives a drone work again' : 'Keeps work away from a drone',
        keys: ['ops'],
        body: opsReason,
        answer: nothing,
      },
      async ({ identity, params, body }) => {
        await ops[action](identity.userId, params['id'] ?? '', body.reason)
        return {}
      },
    ),
  )
  return [
    route(
      {
        method: 'get',
        path: '/drones',
        summary: 'The fleet; for a user, their drones',
        keys: ['ops', ...USERS],
        answer: z.object({ drones: z.array(fleetDrone) }),
      },
      async ({ identity: { kind, userId } }) => ({
        drones: ops.fleet().drones.filter((drone) => kind === 'ops' || drone.user === userId),
      }),
    ),
    route(
      {
        method: 'post',
        path: '/drones/:id/terminate',
        summary: 'Asks a drone to leave; the answer is its own',
        keys: ['ops'],
        body: leaving,
        answer: terminated,
      },
      async ({ identity, params, body: { mode, reason } }) => ({
        success: await ops.terminate(identity.userId, params['id'] ?? '', mode, reason),
      }),
    ),
    ...standing,
    route(
      {
        method: 'post',
        path: '/reload',
        summary: 'Reads the routing rules anew',
        keys: ['ops'],
        answer: z.object({ what: z.array(z.string()) }),
      },
      async ({ identity }) => ({ what: await ops.reload(identity.userId) }),
    ),
    route(
      {
        method: 'get',
        path: '/keys',
        summary: 'The keys, without what makes them one',
        keys: ['ops'],
        query: page,
        answer: z.object({ keys: z.array(keyView), next: z.string().optional() }),
      },
      async ({ query }) => {
        const { items, next } = await store.listKeys(query)
        return { keys: items.map(({ hash: _hash, userId, ...key }) => ({ ...key, user: userId })), next }
      },
    ),
    route(
      {
        method: 'post',
        path: '/keys',
        summary: 'A new key; its text is told this once',
        keys: ['ops'],
        body: newKey,
        status: 201,
        answer: z.object({ keyId: z.string(), key: z.string() }),
      },
      ({ body: { kind, user, label } }) => access.create(kind, user, label),
    ),
    route(
      {
        method: 'delete',
        path: '/keys/:id',
        summary: 'Revokes a key and cuts its live connections',
        keys: ['ops'],
        status: 204,
      },
      async ({ params }) => {
        await access.revoke(params['id'] ?? '')
        return undefined
      },
    ),
  ]
}
