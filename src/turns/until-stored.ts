import { RelayError } from '../protocol/errors.ts'
import { backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'

/** The waits for a store that is away. */
const AGAIN = { firstMs: 50, longestMs: 2000, random: Math.random } as const

/**
 * Makes `task` again, with growing waits, for as long as the store does not take it: what has happened already must be
 * stored and told in the end. False where `isClosed` came first; fails as `task` fails otherwise.
 */
export async function untilStored(
  clock: Clock,
  isClosed: () => boolean,
  task: () => Promise<unknown>,
): Promise<boolean> {
  for (let attempt = 1; !isClosed(); attempt++) {
    try {
      await task()
      return true
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'store_unavailable') throw error
      await new Promise<void>((resolve) => clock.after(backoffMs(attempt, AGAIN), resolve))
    }
  }
  return false
}
