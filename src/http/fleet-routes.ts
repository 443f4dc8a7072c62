import type { Router } from 'express'
import { z } from 'zod'
import { terminationRequest } from '../protocol/drone-down.ts'
import type { Access } from '../sessions/access.ts'
import type { Operations } from '../sessions/operations.ts'
import { KEY_KINDS } from '../turns/turn-store.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import { USERS, identified, pageOf, parse } from './request.ts'

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
const opsReason = terminationRequest.pick({ reason: true })

/** Drones and keys: what an operator does. */
export function addFleetRoutes(router: Router, { ops, store, access }: FleetWorld): void {
  router.get('/drones', async (request, response) => {
    const { kind, userId } = await identified(access, request, ['ops', ...USERS])
    const drones = ops.fleet().drones.filter((drone) => kind === 'ops' || drone.user === userId)
    response.json({ drones })
  })
  router.post('/drones/:id/terminate', async (request, response) => {
    const { userId } = await identified(access, request, ['ops'])
    const { mode, reason } = parse(
      terminationRequest.extend({ mode: z.enum(['now', 'drain']).default('now') }),
      request.body ?? {},
    )
    response.json({ success: await ops.terminate(userId, request.params.id, mode, reason) })
  })
  for (const action of ['quarantine', 'release'] as const) {
    router.post(`/drones/:id/${action}`, async (request, response) => {
      const { userId } = await identified(access, request, ['ops'])
      const { reason } = parse(opsReason, request.body ?? {})
      await ops[action](userId, request.params.id ?? '', reason)
      response.json({})
    })
  }

  router.post('/reload', async (request, response) => {
    const { userId } = await identified(access, request, ['ops'])
    response.json({ what: await ops.reload(userId) })
  })

  router.get('/keys', async (request, response) => {
    await identified(access, request, ['ops'])
    const { items, next } = await store.listKeys(pageOf(request))
    response.json({ keys: items.map(({ hash: _hash, userId, ...key }) => ({ ...key, user: userId })), next })
  })
  router.post('/keys', async (request, response) => {
    await identified(access, request, ['ops'])
    const { kind, user, label } = parse(newKey, request.body)
    response.status(201).json(await access.create(kind, user, label))
  })
  router.delete('/keys/:id', async (request, response) => {
    await identified(access, request, ['ops'])
    await access.revoke(request.params.id)
    response.status(204).end()
  })
}
