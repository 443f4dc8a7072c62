import { newId } from '../../src/turns/new-id.ts'
import type { TurnHeader } from '../../src/turns/turn-store.ts'

type Named = Pick<TurnHeader, 'chatSessionId' | 'userId' | 'messageId' | 'prompt' | 'createdAt'>

/** A turn that is worked on and has no words yet, as a store gets it. */
export function liveTurn(named: Named): TurnHeader {
  return {
    turnId: newId(named.createdAt),
    ...named,
    attempt: 1,
    status: 'processing',
    startedAt: named.createdAt,
    toolCallCount: 0,
    earlier: [],
    generation: 1,
    version: 0,
    node: 'bench',
    lanes: [],
  }
}
