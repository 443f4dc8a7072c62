import type { DayUsage } from '../protocol/turn-view.ts'
import { itemsOf } from './pages.ts'
import type { TurnStore } from './turn-store.ts'
import { sum } from './usage.ts'

const DAY_MS = 86_400_000
const SESSIONS_A_PAGE = 200

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
  const sessions = itemsOf((page) => store.sessionsOfUser(userId, page), SESSIONS_A_PAGE)
  for await (const { usage, updatedAt } of sessions) {
    // The newest change first: whatever comes now has not changed since.
    if (updatedAt < since) break
    for (const { day, turns, totals } of usage?.days ?? []) {
      if (day < first) continue
      const known = found.get(day)
      found.set(day, { day, turns: (known?.turns ?? 0) + turns, ...(known ? sum(known, totals) : totals) })
    }
  }
  return [...found.values()].toSorted((one, other) => (one.day < other.day ? 1 : -1))
}
