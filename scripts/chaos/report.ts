import { WRONGS, isEnded } from './checker.ts'
import type { ChaosOptions } from './options.ts'
import type { Stage } from './stage.ts'
import type { Storm } from './storm.ts'
import type { Verdict } from './verdict.ts'
import { totalUnits } from './words.ts'

export interface Report {
  readonly settings: Readonly<Record<string, string | number>>
  readonly faults: Readonly<Record<string, number>>
  readonly kills: {
    readonly relay: number
    readonly whileBeginning: number
    readonly atFailpoints: number
    readonly byPoint: Readonly<Record<string, number>>
    readonly medianUnflushed: number
  }
  readonly said: Readonly<Record<'speeches' | 'entries' | 'units' | 'acknowledgedUnits', number>>
  readonly turns: Readonly<Record<string, number>>
  /** Why turns failed or were aborted, and why attempts were given up. */
  readonly reasons: Readonly<Record<string, number>>
  readonly wrong: Readonly<Record<string, number>>
  readonly recoveryMs: Readonly<Record<'drones' | 'viewers', Quantiles>>
  readonly refusals: Readonly<Record<string, number>>
}

interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

export function reportOf(options: ChaosOptions, stage: Stage, storm: Storm, verdict: Verdict): Report {
  const { turns, speeches, violations } = verdict
  const { kills } = stage.relay
  const atPoints = kills.flatMap(({ point }) => point ?? [])
  // One that had not taken work yet can hold nothing.
  const atWork = kills.filter(({ isEarly }) => !isEarly)
  const sayings = speeches.flatMap(({ lanes }) => [...lanes.values()])
  const stored = speeches.flatMap((speech) => [...speech.stored.values()])
  const queued = new Set(stage.drivers.flatMap((driver) => [...driver.queued]))
  const attempts = turns.flatMap((turn) => turn.attempts)
  const { store, seed, minutes, drones, sessions, control } = options
  return {
    settings: { store, seed, minutes, drones, sessions, control: control ?? 'none' },
    faults: {
      ...Object.fromEntries([...storm.counts].toSorted(([a], [b]) => a.localeCompare(b))),
      ...(stage.database ? { 'database ended by itself': stage.database.deaths } : {}),
    },
    kills: {
      relay: kills.length,
      whileBeginning: kills.length - atWork.length,
      atFailpoints: atPoints.length,
      byPoint: countOf(atPoints),
      medianUnflushed: quantile(
        atWork.map(({ unflushed }) => unflushed),
        0.5,
      ),
    },
    said: {
      speeches: speeches.length,
      entries: sayings.reduce((sum, lane) => sum + lane.length, 0),
      units: sayings.reduce((sum, lane) => sum + totalUnits(lane), 0),
      acknowledgedUnits: stored.reduce((sum, units) => sum + units, 0),
    },
    turns: {
      ...countOf(turns.map((turn) => turn.attempts.at(-1)?.status ?? 'lost')),
      'of a message that waited': turns.filter(({ prompt }) => queued.has(prompt)).length,
      'messages that went in': turns.reduce((sum, { steers }) => sum + steers.length, 0),
      'with several attempts': turns.filter((turn) => turn.attempts.length > 1).length,
    },
    reasons: countOf(
      attempts.flatMap((told) => (isEnded(told.status) && told.reason ? [plain(told.reason)] : [])),
    ),
    wrong: {
      ...Object.fromEntries(WRONGS.map((wrong) => [wrong, 0])),
      ...countOf(violations.map(({ wrong }) => wrong)),
    },
    recoveryMs: { drones: quantilesOf(stage.recovery.drones), viewers: quantilesOf(stage.recovery.viewers) },
    refusals: countAll(stage.drivers.map(({ refusals }) => refusals)),
  }
}

/** Two columns; a table within the table is indented. */
export function tableOf(report: Report): string {
  const rows = Object.entries(report).flatMap(([name, value]) => rowsOf(name, value as object))
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}`.trimEnd()).join('\n')
}

function rowsOf(name: string, value: object): [string, string][] {
  const rows = Object.entries(value).flatMap(([key, item]: [string, unknown]): [string, string][] => {
    if (typeof item !== 'object' || item === null) return [[`  ${key}`, String(item)]]
    const inner = Object.entries(item).map(([part, number]) => `${part} ${String(number)}`)
    return [[`  ${key}`, inner.join(', ')]]
  })
  return rows.length === 0 ? [] : [[name, ''], ...rows]
}

/** Reasons without the names in them. */
function plain(reason: string): string {
  return reason.replaceAll(/drone-\d+/g, 'drone-n')
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

function countAll(maps: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, count] of maps.flatMap((map) => [...map])) counts[name] = (counts[name] ?? 0) + count
  return counts
}

function quantilesOf(values: readonly number[]): Quantiles {
  return { count: values.length, p50: quantile(values, 0.5), p99: quantile(values, 0.99) }
}

/** NaN of none. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
