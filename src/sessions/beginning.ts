import { backoffMs } from '../turns/backoff.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import type { Clock } from '../turns/clock.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import { itemsOf } from '../turns/pages.ts'
import type { Permissions } from '../turns/permissions.ts'
import { recall } from '../turns/recall.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import type { WorkOrders } from '../turns/work-orders.ts'
import type { Directory } from './directory.ts'
import type { Quarantines } from './quarantine.ts'
import type { Logger } from './socket-session.ts'

const DRONES_A_PAGE = 200
/** The waits for a store that is away at the start. */
const AGAIN = { firstMs: 250, longestMs: 5000 } as const

export interface Beginner {
  readonly store: TurnStore
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly permissions: Pick<Permissions, 'recall'>
  readonly directory: Directory
  readonly quarantines: Quarantines
  readonly nodeId: string
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly isStopping: () => boolean
  /** What has to be there before work is taken. */
  readonly prepare: () => Promise<void>
  /** What waits in queues goes on: after the turns, for it may be for one of them. */
  readonly recallQueues: () => Promise<void>
}

/** Takes over everything unfinished: again from the start until the store has answered all of it. False when stopped. */
export async function begin(beginner: Beginner): Promise<boolean> {
  const { store, clock, random, logger, directory, isStopping, prepare, recallQueues, nodeId } = beginner
  const expect = directory.expect.bind(directory)
  for (let attempt = 1; !isStopping(); attempt++) {
    try {
      await store.ping()
      await prepare()
      await rememberDrones(beginner)
      const recalled = await recall({ ...beginner, expect })
      await recallQueues()
      logger.info('The relay takes work.', { nodeId, recalled })
      return true
    } catch (error) {
      const waitMs = backoffMs(attempt, { ...AGAIN, random })
      logger.warn('The relay cannot begin yet: its store does not answer.', { waitMs, error: String(error) })
      await new Promise<void>((resolve) => clock.after(waitMs, resolve))
    }
  }
  return false
}

/** The fleet has every drone that was ever here, also after a restart. */
async function rememberDrones({ store, directory, quarantines }: Beginner): Promise<void> {
  for await (const record of itemsOf((page) => store.listDrones(page), DRONES_A_PAGE)) {
    quarantines.remember(record)
    directory.remember(record)
  }
}
