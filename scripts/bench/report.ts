import { Histogram } from './histogram.ts'
import { mb, median, slopeMbPerMin } from './measure.ts'
import type { Cost, LongTurns } from './long-turn.ts'
import type { BenchOptions } from './options.ts'
import type { Contestant, Round } from './steady.ts'

type Cell = number | string | undefined
export type Row = readonly [what: string, unit: string, ...cells: Cell[]]

/** A table of numbers: what, its unit, and one column each. */
export function table(columns: readonly string[], rows: readonly Row[]): string {
  const lines = rows.map(([what, unit, ...cells]) => [`${what} (${unit})`, ...cells.map(shown)])
  const all = [['', ...columns], ...lines]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? []
  return all
    .map((line) =>
      line
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

function shown(value: Cell): string {
  if (typeof value === 'string') return value
  if (value === undefined || !Number.isFinite(value)) return '-'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

export function steadyRows(contestants: readonly Contestant[]): Row[] {
  const [relay, ...others] = contestants
  if (!relay) return []
  const row = (what: string, unit: string, of: (contestant: Contestant) => Cell): Row => [
    what,
    unit,
    ...contestants.map(of),
  ]
  const compared = (what: string, unit: string, of: (round: Round) => number): Row => [
    what,
    unit,
    ...contestants.map(({ rounds }) => median(rounds.map(of))),
    // Round by round, so that what else the machine did in a round is in both numbers.
    ...others.map(({ rounds }) =>
      median(relay.rounds.map((round, at) => of(round) / of(rounds[at] ?? round))),
    ),
  ]
  return [
    compared('CPU per token', 'µs', ({ cpuUsPerToken }) => cpuUsPerToken),
    compared('CPU', '% of a core', ({ cpuUs, report }) => cpuUs / report.ms / 10),
    compared('latency p50', 'ms', ({ report }) => new Histogram(report.took).quantile(0.5)),
    compared('latency p99', 'ms', ({ report }) => new Histogram(report.took).quantile(0.99)),
    compared('latency max', 'ms', ({ report }) => new Histogram(report.took).quantile(1)),
    compared('loop delay p99', 'ms', ({ loopP99Ms }) => loopP99Ms),
    row('RSS at the end', 'MB', ({ rounds }) => mb(rounds.at(-1)?.rss ?? Number.NaN)),
    row('RSS slope, last half', 'MB/min', ({ samples }) => slopeMbPerMin(samples, ({ rss }) => rss)),
    row('RSS without files, at the end', 'MB', ({ samples }) => mb(samples.at(-1)?.anonymous ?? Number.NaN)),
    row('RSS without files, slope', 'MB/min', ({ samples }) =>
      slopeMbPerMin(samples, ({ anonymous }) => anonymous),
    ),
    row('heap after GC, start', 'MB', ({ heapAtStart }) => mb(heapAtStart)),
    row('heap after GC, end', 'MB', ({ rounds }) => mb(rounds.at(-1)?.heapAfterGc ?? Number.NaN)),
    row('tokens a second', '1/s', ({ rounds }) =>
      median(rounds.map(({ report }) => (report.tokens / report.ms) * 1000)),
    ),
    row('tokens measured', 'n', ({ rounds }) => sum(rounds.map(({ report }) => report.tokens))),
    row('events heard', 'n', ({ rounds }) => sum(rounds.map(({ report }) => report.events))),
    row('generator CPU', '% of a core', ({ rounds }) =>
      median(rounds.map(({ report }) => report.load.cpuShare * 100)),
    ),
    row('generator loop p99', 'ms', ({ rounds }) =>
      median(rounds.map(({ report }) => report.load.loopP99Ms)),
    ),
    row('tokens said too late', 'n', ({ rounds }) => sum(rounds.map(({ report }) => report.lumped ?? 0))),
  ]
}

export function longTurnRows({ small, large }: LongTurns): Row[] {
  const row = (what: string, unit: string, of: (cost: Cost) => number | undefined): Row => {
    const [low, high] = [small, large].map((costs) => median(costs.map((cost) => of(cost) ?? Number.NaN)))
    const ratios = large.map(
      (cost, at) => (of(cost) ?? Number.NaN) / (small[at] ? (of(small[at]) ?? Number.NaN) : 1),
    )
    return [what, unit, low, high, median(ratios)]
  }
  return [
    row('length', 'MB', ({ report }) => report.chars / 1e6),
    row('relay CPU', 'ms', ({ cpuUs }) => cpuUs / 1000),
    row('relay CPU per MB', 'ms', ({ cpuUs, report }) => (cpuUs / report.chars) * 1000),
    row('database CPU', 'ms', ({ databaseCpuUs }) => databaseCpuUs && databaseCpuUs / 1000),
    row('bytes written', 'MB', ({ writtenBytes }) => writtenBytes && writtenBytes / 1e6),
    row(
      'written per byte said',
      'x',
      ({ writtenBytes, report }) => writtenBytes && writtenBytes / report.chars,
    ),
    row('store grew by', 'MB', ({ grownBytes }) => (grownBytes === undefined ? undefined : grownBytes / 1e6)),
    row('time to the end', 'ms', ({ report }) => report.ms),
    row('events heard', 'n', ({ report }) => report.events),
    row('relay loop delay p99', 'ms', ({ loopP99Ms }) => loopP99Ms),
    row('relay RSS after', 'MB', ({ rss }) => mb(rss)),
  ]
}

export function joinRows({ report, cpuUs, loopP99Ms, rss }: Cost): Row[] {
  const { single = [], together = [] } = report.joinMs ?? {}
  return [
    ['turn', 'MB', report.chars / 1e6],
    ['one join, to the last byte, median', 'ms', median(single)],
    ['one join, longest', 'ms', Math.max(...single)],
    ['relay CPU per join', 'ms', cpuUs / 1000 / single.length],
    [`${together.length} joins at once, to the last of them`, 'ms', Math.max(...together)],
    ['relay loop delay p99', 'ms', loopP99Ms],
    ['relay RSS after', 'MB', mb(rss)],
  ]
}

export function heading({ scenario, store, plain, ...options }: BenchOptions, ranAs: string): string {
  const { drones, rate, seconds, rounds, viewers, tokenBytes } = options
  const what =
    scenario === 'steady'
      ? `${drones} ${plain ? 'plain ' : ''}drones, ${rate} tokens/s each, ${tokenBytes} bytes, ${viewers} viewer(s) each, ${seconds} s in ${rounds} round(s)`
      : `tokens of ${tokenBytes} bytes, ${options.repeat} repetition(s)`
  return `${scenario} on ${store}: ${what}; the relay ran ${ranAs === 'built' ? 'as built' : 'through tsx'}`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
