import { z } from 'zod'
import { DRONE_STATES } from './code-down.ts'
import { draining, errorEvent } from './drone-down.ts'
import { asks, event, nothing } from './event.ts'
import type { EventMap } from './event.ts'
import { isoTime, json, name, opt, ownId, text } from './values.ts'

/** A drone as an operator sees it. */
export const fleetDrone = z.object({
  registrationId: ownId,
  droneId: name,
  user: text,
  name: text,
  hostname: text,
  workspaceId: name,
  plain: z.boolean(),
  capacity: z.int().min(1),
  state: z.enum(DRONE_STATES),
  load: opt(z.number()),
  turns: z.array(ownId),
  labels: opt(json),
  /** Why it gets no work. */
  quarantine: opt(text),
  connectedAt: opt(isoTime),
  lastHeardAt: opt(isoTime),
})
export type FleetDrone = z.infer<typeof fleetDrone>

export const fleet = z.object({
  drones: z.array(fleetDrone),
  nodes: z.array(z.object({ nodeId: ownId, startedAt: isoTime, draining: z.boolean() })),
})
export type Fleet = z.infer<typeof fleet>

const target = z.object({ registrationId: ownId, reason: text.min(1).max(1000) })

/** `success` is the drone's own answer: whether it leaves. */
export const terminated = z.object({ success: z.boolean() })

export const opsUp = {
  requestTermination: asks([target.extend({ mode: opt(z.enum(['now', 'drain'])) })], terminated),
  drain: asks([target], nothing),
  quarantine: asks([target], nothing),
  release: asks([target], nothing),
  reload: asks([opt(z.object({}))], nothing),
}
export type OpsUp = EventMap<typeof opsUp>

export const opsDown = {
  fleet: event(fleet),
  'fleet:changed': event(fleet),
  draining: event(draining),
  error: event(errorEvent),
}
export type OpsDown = EventMap<typeof opsDown>
