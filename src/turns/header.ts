import type { Clock } from './clock.ts'
import { newId } from './new-id.ts'
import type { TurnHeader, TurnRequest, TurnState } from './turn-store.ts'

/** `satisfies` makes the compiler ask for a field that the interface gained. */
const REQUEST_FIELDS = Object.keys({
  turnId: 1,
  chatSessionId: 1,
  userId: 1,
  messageId: 1,
  prompt: 1,
  droneId: 1,
  workspaceId: 1,
  agent: 1,
  model: 1,
  provider: 1,
  thinkingLevel: 1,
  cwd: 1,
  attachments: 1,
  labels: 1,
  unasked: 1,
  mentions: 1,
  createdAt: 1,
} satisfies Record<keyof TurnRequest, 1>) as (keyof TurnRequest)[]

export const STATE_FIELDS = Object.keys({
  attempt: 1,
  status: 1,
  reason: 1,
  assigned: 1,
  startedAt: 1,
  endedAt: 1,
  incomplete: 1,
  usage: 1,
  steers: 1,
  toolCallCount: 1,
  sideEffects: 1,
  asks: 1,
  earlier: 1,
} satisfies Record<keyof TurnState, 1>) as (keyof TurnState)[]

/** The fields of a header that say what was asked for. */
export function requestOf(header: TurnRequest): TurnRequest {
  return pick(header, ...REQUEST_FIELDS) as TurnRequest
}

/** The fields of a header that change with a turn's life. */
export function stateOf(header: TurnState): TurnState {
  return pick(header, ...STATE_FIELDS) as TurnState
}

/** The named fields of `source` that it has. */
export function pick<Source extends object, Key extends keyof Source>(
  source: Source,
  ...keys: Key[]
): { [Picked in Key]?: Exclude<Source[Picked], undefined> } {
  const picked: { [Picked in Key]?: Exclude<Source[Picked], undefined> } = {}
  for (const key of keys) {
    const value = source[key]
    if (value !== undefined) picked[key] = value as Exclude<Source[Key], undefined>
  }
  return picked
}

/** A turn that nobody has worked on: stored as it is, then named by its session. */
export function queuedTurn(
  { clock, nodeId }: { readonly clock: Clock; readonly nodeId: string },
  request: Omit<TurnRequest, 'turnId' | 'createdAt'>,
): TurnHeader {
  const now = clock.now()
  return {
    turnId: newId(now),
    ...request,
    createdAt: now,
    attempt: 1,
    status: 'queued',
    toolCallCount: 0,
    earlier: [],
    generation: 1,
    version: 0,
    node: nodeId,
    lanes: [],
  }
}
