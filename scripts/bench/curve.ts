import { Histogram } from './histogram.ts'
import { anonymousBytes } from './measure.ts'
import type { BenchOptions } from './options.ts'
import type { Measured } from './reliability/ground.ts'
import type { Row } from './report.ts'
import { openStage } from './stage.ts'
import { steady } from './steady.ts'
import { userKeys } from './user-keys.ts'

/** Tokens a second of all turns together, wherever turns are counted: so each point has the same to carry. */
const TOKENS_PER_SECOND = 3000
/** Of each turn, where viewers are counted. */
const WATCHED_TURNS = 10
const WATCHED_RATE = 30
/** Every client of a user hears of all their drones. */
const TURNS_A_USER = 10

interface Point {
  readonly turns: number
  readonly viewers: number
  readonly rate: number
}

const POINTS: readonly Point[] = [
  ...[10, 100, 1000, 3000].map((turns) => ({ turns, viewers: 1, rate: TOKENS_PER_SECOND / turns })),
  ...[1, 10, 100].map((viewers) => ({ turns: WATCHED_TURNS, viewers, rate: WATCHED_RATE })),
]

/** How the cost goes with the number of turns and of viewers: each point with a relay of its own. */
export async function curve(options: BenchOptions): Promise<Measured> {
  const rows: Row[] = []
  const wrong: string[] = []
  const raw: object[] = []
  let ranAs: Measured['ranAs'] = 'built'
  for (const point of POINTS) {
    const shown = `${point.turns} turns x ${point.rate} tokens/s, ${point.viewers} viewer(s)`
    console.error(shown)
    const measured = await measure({ ...options, ...point, drones: point.turns, baselines: false, rounds: 1 })
    ranAs = measured.ranAs
    wrong.push(...measured.wrong)
    raw.push({ ...point, ...measured })
    rows.push(
      [shown, 'µs a token', measured.cpuUsPerToken],
      [shown, '% of a core', measured.cpuShare * 100],
      [shown, 'ms p50', measured.p50],
      [shown, 'ms p99', measured.p99],
      [shown, 'KB a turn', measured.kbPerTurn],
    )
  }
  const title = `curve on ${options.store}: ${TOKENS_PER_SECOND} tokens/s of all turns, then ${WATCHED_TURNS} turns watched`
  return { title, columns: ['figure'], rows, wrong, raw, ranAs }
}

async function measure(options: BenchOptions) {
  const stage = await openStage(options)
  try {
    const users = await userKeys(stage.relay, Math.ceil(options.drones / TURNS_A_USER))
    const { server, ranAs } = stage.relay
    await server.usage({ gc: true })
    const before = anonymousBytes(server.pid) ?? Number.NaN
    const [relay] = await steady(options, { ...stage, target: { ...stage.target, users } })
    const [round] = relay?.rounds ?? []
    if (!relay || !round) throw new Error('nothing was measured')
    const { report, cpuUs, cpuUsPerToken } = round
    const took = new Histogram(report.took)
    // While they speak: what a turn needs is mostly its sockets.
    const bytes = relay.samples.at(-1)?.anonymous ?? Number.NaN
    return {
      ranAs,
      cpuUsPerToken,
      cpuShare: cpuUs / report.ms / 1000,
      p50: took.quantile(0.5),
      p99: took.quantile(0.99),
      kbPerTurn: (bytes - before) / options.drones / 1024,
      lumped: report.lumped,
      wrong: report.wrong,
    }
  } finally {
    await stage.close()
  }
}
