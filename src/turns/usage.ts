import type { Usage } from '../protocol/drone-up.ts'
import type { SessionUsageView, UsageTotals } from '../protocol/turn-view.ts'
import { pick } from './header.ts'
import type { SessionUsage, TurnHeader } from './turn-store.ts'

/** Days of a session that are kept apart; the total has all of them. */
const MAX_DAYS = 92

const NOTHING: UsageTotals = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cost: 0 }

/** What is counted of a turn. */
export type CountedTurn = Pick<TurnHeader, 'turnId' | 'model' | 'unasked' | 'usage' | 'earlier' | 'steers'>

/** [US1] What all attempts of a turn have used, as far as their drones said; nothing where none did. */
export function usageOfTurn({
  usage,
  earlier,
}: Pick<CountedTurn, 'usage' | 'earlier'>): UsageTotals | undefined {
  const said = [...earlier.map((attempt) => attempt.usage), usage].filter((one) => one !== undefined)
  return said.length === 0 ? undefined : said.map(totalsOf).reduce(sum, NOTHING)
}

/**
 * [US2] The usage of a session with that of a turn which has ended: once for each, also where it is tried again and ends
 * once more.
 */
export function counted(before: SessionUsage | undefined, turn: CountedTurn, now: number): SessionUsage {
  const again = before?.last.turnId === turn.turnId ? before.last : undefined
  const totals = usageOfTurn(turn) ?? NOTHING
  const more = difference(totals, again?.totals ?? NOTHING)
  const messages = (turn.unasked ? 0 : 1) + (turn.steers?.length ?? 0)
  const model = turn.usage?.model ?? turn.model ?? before?.last.model
  const isSwitch = before?.last.model !== undefined && model !== before.last.model
  const day = new Date(now).toISOString().slice(0, 10)
  return {
    turns: (before?.turns ?? 0) + (again ? 0 : 1),
    messages: (before?.messages ?? 0) + messages - (again?.messages ?? 0),
    modelSwitches: (before?.modelSwitches ?? 0) + (isSwitch ? 1 : 0),
    totals: sum(before?.totals ?? NOTHING, more),
    days: withDay(before?.days ?? [], day, more, again ? 0 : 1),
    last: { turnId: turn.turnId, totals, messages, ...(model === undefined ? {} : { model }) },
    ...contextOf(turn.usage ?? before),
  }
}

function contextOf(
  said: { contextUsed?: number | undefined; contextWindow?: number | undefined } | undefined,
): Pick<SessionUsage, 'contextUsed' | 'contextWindow'> {
  return said ? pick(said, 'contextUsed', 'contextWindow') : {}
}

/** A session's usage as everybody sees it. */
export function sessionUsageView(usage: SessionUsage): SessionUsageView {
  const { turns, messages, modelSwitches, totals } = usage
  return { turns, messages, modelSwitches, ...totals, ...pick(usage, 'contextUsed', 'contextWindow') }
}

export function sum(one: UsageTotals, other: UsageTotals): UsageTotals {
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cacheRead: one.cacheRead + other.cacheRead,
    cacheWrite: one.cacheWrite + other.cacheWrite,
    cost: rounded(one.cost + other.cost),
  }
}

function difference(one: UsageTotals, other: UsageTotals): UsageTotals {
  return {
    input: one.input - other.input,
    output: one.output - other.output,
    cacheRead: one.cacheRead - other.cacheRead,
    cacheWrite: one.cacheWrite - other.cacheWrite,
    cost: rounded(one.cost - other.cost),
  }
}

/** Money is added up again and again: to a billionth, so that it adds up. */
function rounded(cost: number): number {
  return Math.round(cost * 1e9) / 1e9
}

function totalsOf({ input, output, cacheRead = 0, cacheWrite = 0, cost = 0 }: Usage): UsageTotals {
  return { input, output, cacheRead, cacheWrite, cost }
}

function withDay(
  days: SessionUsage['days'],
  day: string,
  more: UsageTotals,
  turns: number,
): SessionUsage['days'] {
  const last = days.at(-1)
  if (last?.day !== day) return [...days, { day, turns, totals: more }].slice(-MAX_DAYS)
  return [...days.slice(0, -1), { day, turns: last.turns + turns, totals: sum(last.totals, more) }]
}
