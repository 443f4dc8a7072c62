import type { PermissionChoice } from '../protocol/code-up.ts'
import type { PermissionRequest } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { phaseOf } from '../turns/lifecycle.ts'
import { outcomeOf } from '../turns/permissions.ts'
import type { Permissions } from '../turns/permissions.ts'
import type { Turn } from '../turns/turn.ts'
import type { PermissionRecord } from '../turns/turn-store.ts'
import type { Directory } from './directory.ts'
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
  return { requestId, ...outcomeOf(answer) }
}

interface Answering {
  readonly directory: Pick<Directory, 'findOf'>
  readonly permissions: Pick<Permissions, 'choose'>
}

/** [PM2] A person chooses; the answer is what came of the question, with null where nobody chose in time. */
export async function answerPermission(
  { directory, permissions }: Answering,
  userId: string,
  { droneId, requestId, optionId }: PermissionChoice,
): Promise<{ optionId: string | null; by?: string }> {
  const drone = directory.findOf(userId, droneId)
  if (!drone) throw new RelayError('not_found', `Drone ${droneId} has asked nothing as ${requestId}.`)
  return outcomeOf(await permissions.choose(userId, drone.registrationId, requestId, optionId))
}
