import type { Clock } from './clock.ts'
import { newId } from './new-id.ts'
import type { TurnHeader, TurnRequest, TurnState } from './turn-store.ts'

/** The fields of a header that say what was asked for. */
export function requestOf(header: TurnHeader): TurnRequest {
  const { turnId, chatSessionId, userId, messageId, prompt, createdAt } = header
  return {
    turnId,
    chatSessionId,
    userId,
    messageId,
    prompt,
    createdAt,
    ...pick(
      header,
      'droneId',
      'workspaceId',
      'agent',
      'model',
      'provider',
      'thinkingLevel',
      'cwd',
      'attachments',
      'labels',
      'unasked',
      'mentions',
    ),
  }
}

/** The fields of a header that change with a turn's life. */
export function stateOf(header: TurnHeader): TurnState {
  const { attempt, status, toolCallCount, earlier } = header
  return {
    attempt,
    status,
    toolCallCount,
    earlier,
    ...pick(
      header,
      'reason',
      'assigned',
      'startedAt',
      'endedAt',
      'incomplete',
      'usage',
      'steers',
      'sideEffects',
      'asks',
    ),
  }
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
