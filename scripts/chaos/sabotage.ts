import { setImmediate as turnOfEvents, setTimeout as sleep } from 'node:timers/promises'
import { LaneLog } from '../../src/turns/lane-log.ts'
import type { CommitOutcome, FlushBatch, TurnStore } from '../../src/turns/turn-store.ts'
import { around, wrap } from './patch.ts'

export const CONTROLS = ['ack-before-commit', 'no-dedup', 'no-gap-check', 'no-fencing', 'no-grace'] as const
export type Control = (typeof CONTROLS)[number]

/** How far a commit lags behind its answer where it is answered before it is made. */
const LAG_MS = 150

/** Switches one promise of the relay off. A run that does not notice proves nothing. */
export function sabotage(store: TurnStore, control: Control | undefined): TurnStore {
  switch (control) {
    case undefined:
    case 'no-grace':
      return store
    case 'ack-before-commit':
      return answeredEarly(store)
    case 'no-fencing':
      return unfenced(store)
    case 'no-dedup':
      wrap(LaneLog.prototype, 'append', (log, [offset, entry], original) =>
        original(Math.max(offset, log.length), entry),
      )
      return store
    case 'no-gap-check':
      wrap(LaneLog.prototype, 'append', (log, [offset, entry], original) =>
        original(Math.min(offset, log.length), entry),
      )
      return store
  }
}

function answeredEarly(store: TurnStore): TurnStore {
  let last: Promise<unknown> = Promise.resolve()
  return around(store, {
    commit: (batches) => {
      const due = sleep(LAG_MS)
      last = last.then(() => due).then(() => store.commit(batches))
      return Promise.resolve(batches.map((): CommitOutcome => 'committed'))
    },
    // Whoever reads until the store has what was called stored reads often: the commit needs its turn, too.
    readTurn: async (turnId) => {
      await turnOfEvents()
      return store.readTurn(turnId)
    },
  })
}

/** Every write is made to fit what is there, whoever wrote that. */
function unfenced(store: TurnStore): TurnStore {
  const fitted = async (batch: FlushBatch): Promise<FlushBatch> => {
    const header = await store.readTurn(batch.turnId)
    if (!header) return batch
    const { generation, version } = header
    const state = batch.state && {
      ...batch.state,
      attempt: batch.state.attempt - batch.attempt + header.attempt,
    }
    return { ...batch, attempt: header.attempt, generation, version, ...(state ? { state } : {}) }
  }
  return around(store, {
    commit: async (batches) => store.commit(await Promise.all(batches.map(fitted))),
  })
}
