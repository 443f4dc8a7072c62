import type { UsageTotals } from '../protocol/turn-view.ts'
import type { TurnStore } from './turn-store.ts'
import { sum } from './usage.ts'

const DAY_MS = 86_400_000
const SESSIONS_A_PAGE = 200

export interface DayUsage extends UsageTotals {
  /** UTC. */
  readonly day: string
  readonly turns: number
}

/** [US3] What a user's sessions have used on each of the last days, the newest first; days without any are left out. */
export async function usageByDay(
  store: Pick<TurnStore, 'sessionsOfUser'>,
  userId: string,
  days: number,
  now: number,
): Promise<DayUsage[]> {
  const first = new Date(now - (days - 1) * DAY_MS).toISOString().slice(0, 10)
  const since = Date.parse(first)
  const found = new Map<string, DayUsage>()
  let after: string | undefined
  do {
    const page = { limit: SESSIONS_A_PAGE, ...(after === undefined ? {} : { after }) }
    const { items, next } = await store.sessionsOfUser(userId, page)
    for (const { usage } of items) {
      for (const { day, turns, totals } of usage?.days ?? []) {
        const known = found.get(day)
        if (day >= first)
          found.set(day, {
            day,
            turns: (known?.turns ?? 0) + turns,
            ...(known ? sum(known, totals) : totals),
          })
      }
    }
    // The newest change first: whatever comes then has not changed since.
    const oldest = items.at(-1)
    after = oldest && oldest.updatedAt >= since ? next : undefined
  } while (after !== undefined)
  return [...found.values()].toSorted((one, other) => (one.day < other.day ? 1 : -1))
}
