import { isEnd } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import type { FlushBatch } from '../turns/turn-store.ts'

/** As much of a header as tells whose it is and how far it has come. */
export interface Stamp {
  readonly attempt: number
  readonly generation: number
  readonly version: number
  readonly status: TurnStatus
}

/** `due`: the header is as the batch expects it, so the batch has not been applied and still can be. */
export type Decision = 'committed' | 'due' | 'fenced'

/**
 * [ST4] What became of a batch, told by the header as it is now.
 *
 * Only the holder of a generation moves a header to the next version under it, one batch at a time: so `version + 1`
 * under the batch's own generation can only be the batch itself, whose reply was lost.
 */
export function decide(batch: FlushBatch, found: Stamp | undefined): Decision {
  if (!found || found.generation !== batch.generation) return 'fenced'
  if (found.version === batch.version + 1) return 'committed'
  const asExpected =
    found.version === batch.version && found.attempt === batch.attempt && !isEnd(found.status)
  return asExpected ? 'due' : 'fenced'
}
