import type { PermissionRequest } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { phaseOf } from '../turns/lifecycle.ts'
import type { Turn } from '../turns/turn.ts'
import type { PermissionRecord } from '../turns/turn-store.ts'
import type { DroneWorld } from './drone-world.ts'
import { fenced } from './fenced.ts'

/** [PM1] A drone asks people: of its own turn's present attempt, and no more than may be said of a tool. */
export async function askPermission(
  { turns, permissions, limits }: DroneWorld,
  asker: { readonly registrationId: string; readonly droneId: string },
  turn: Turn,
  request: PermissionRequest,
): Promise<PermissionRecord> {
  const { attempt } = request
  if (attempt > turn.state.attempt)
    throw new RelayError('invalid_payload', `Turn ${turn.turnId} has not come to attempt ${attempt}.`)
  if (attempt < turn.state.attempt || turn.ended) throw fenced(turn.turnId)
  // Whoever asks has begun.
  if (phaseOf(turn.state) === 'offered') turns.apply(turn, { type: 'acknowledged', attempt })
  const text = JSON.stringify(request)
  if (Buffer.byteLength(text) > limits.toolBytes)
    throw new RelayError('payload_too_large', `A request may have ${limits.toolBytes} bytes.`)
  // Through JSON: a store must not be given the fields that were left out.
  return permissions.ask(turn, asker, JSON.parse(text) as PermissionRequest)
}

/** What a drone is told of it. */
export function resolutionOf({ requestId, answer }: PermissionRecord): {
  requestId: string
  optionId: string | null
  by?: string
} {
  const { optionId = null, by } = answer ?? {}
  return { requestId, optionId, ...(by === undefined ? {} : { by }) }
}
