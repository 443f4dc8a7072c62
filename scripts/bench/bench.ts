/**
 * What the relay costs, on real sockets, beside bare forwarders in the same run:
 *
 *   npm run bench -- --quick                                   a look, in well under a minute
 *   npm run bench -- --drones 20 --rate 60 --seconds 60        CPU per token, memory, latency
 *   npm run bench -- --scenario long-turn                      what a long turn costs
 *   npm run bench -- --scenario long-turn --store mongo        the same in the database
 *   npm run bench -- --scenario joins                          how long it takes to join one
 *   npm run bench -- --scenario curve                          how cost goes with the number of turns and of viewers
 *   npm run bench -- --scenario idle                           memory of drones and viewers that say nothing
 *   npm run bench -- --scenario blocks                         how fast a store takes blocks; --store mongo beside the original's way
 *   npm run bench -- --scenario start                          the time until it takes work, with many stored turns
 *
 * And how it fares when something goes wrong (./reliability), each figure beside what it is to be at most:
 *
 *   npm run bench -- --scenario acks                           from a word to the checkpoint that covers it
 *   npm run bench -- --scenario terminals                      what a terminal carries, holds and takes from turns
 *   npm run bench -- --scenario restart                        the relay is killed, and stopped, with live turns
 *   npm run bench -- --scenario frozen                         200 viewers that stop reading
 *   npm run bench -- --scenario store-away                     the database does not answer for 30 s
 *   npm run bench -- --scenario dead-drone                     drones that die, or that the network swallows
 *   npm run bench -- --scenario stalls                         links that stand still for less than the grace
 *   npm run bench -- --scenario rejoins                        viewers that come back at any place of any turn
 *
 * On mongo it is FerretDB that is measured (scripts/services/ferretdb); MONGODB_URI may name a real MongoDB.
 *
 * Only the ratios of one run mean anything on a machine that does other things too.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { Histogram } from './histogram.ts'
import { joins, longTurns } from './long-turn.ts'
import { isLone, readOptions } from './options.ts'
import type { BenchOptions, CostScenario } from './options.ts'
import type { Measured } from './reliability/ground.ts'
import { heading, joinRows, longTurnRows, steadyRows, table } from './report.ts'
import { LONE } from './scenarios.ts'
import { openStage } from './stage.ts'
import type { Stage } from './stage.ts'
import { steady } from './steady.ts'
import type { Round } from './steady.ts'

type Costs = Omit<Measured, 'title' | 'ranAs'>

async function measureCosts(options: BenchOptions, scenario: CostScenario, stage: Stage): Promise<Costs> {
  switch (scenario) {
    case 'steady': {
      const contestants = await steady(options, stage)
      const names = contestants.map(({ name }) => name)
      const ratios = names.slice(1).map((name) => `relay/${name}`)
      const wrong = contestants.flatMap(({ name, rounds }) =>
        rounds.flatMap(({ report }) => report.wrong.map((what) => `${name}: ${what}`)),
      )
      const raw = contestants.map(({ name, rounds, samples, heapAtStart }) => ({
        name,
        heapAtStart,
        rounds: rounds.map(withLatency),
        samples,
      }))
      return { columns: [...names, ...ratios], rows: steadyRows(contestants), wrong, raw }
    }
    case 'long-turn': {
      const turns = await longTurns(options, stage)
      const columns = [`${options.smallMb} MB`, `${options.largeMb} MB`, 'ratio']
      const wrong = [...turns.warmUp, ...turns.small, ...turns.large].flatMap(({ report }) => report.wrong)
      return { columns, rows: longTurnRows(turns), wrong, raw: turns }
    }
    case 'joins': {
      const cost = await joins(options, stage)
      return { columns: [''], rows: joinRows(cost), wrong: cost.report.wrong, raw: cost }
    }
  }
}

/** What is kept of a round: some quantiles in place of all durations. */
function withLatency({ report, ...round }: Round): object {
  const { took, ...kept } = report
  const durations = new Histogram(took)
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => durations.quantile(share))
  return { ...round, report: { ...kept, latency: { count: durations.count, p50, p99, max } } }
}

/** What the bench itself writes is no change of what is measured. */
const WRITTEN = [':!bench/results', ':!docs/performance.md']

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no', '--', '.', ...WRITTEN) !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? '-dirty' : ''}`
  } catch {
    return 'unknown'
  }
}

async function costs(options: BenchOptions, scenario: CostScenario): Promise<Measured> {
  const stage = await openStage(options)
  try {
    const measured = await measureCosts(options, scenario, stage)
    const { complaints } = stage.relay.server
    if (complaints.length > 0) console.log(`The relay said:\n${complaints.join('\n')}\n`)
    return { ...measured, title: heading(options, stage.relay.ranAs), ranAs: stage.relay.ranAs }
  } finally {
    await stage.close()
  }
}

const options = readOptions(process.argv)
// The listeners of `exit` end what was started and remove what was written.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
const { scenario } = options
const measured = await (isLone(scenario) ? LONE[scenario](options) : costs(options, scenario))
const { title, columns, rows, wrong, raw, ranAs } = measured
console.log(`\n${title}\n\n${table(columns, rows)}\n`)
if (wrong.length > 0) console.error(`${wrong.length} thing(s) wrong:\n${wrong.join('\n')}`)
else if (isLone(scenario)) console.log('Nothing was found to be lost or wrong.')
else console.log('Every token arrived once, in order, at every viewer, and is in the store.')
process.exitCode = wrong.length > 0 ? 1 : 0
if (options.json !== undefined) {
  const { json: _json, cpuProf: _cpuProf, ...shownOptions } = options
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    loadAverage: loadavg(),
    commit: commit(),
    ranAs,
  }
  const at = new Date().toISOString()
  const kept = { title, at, machine, options: shownOptions, columns, rows, wrong, raw }
  writeFileSync(options.json, `${JSON.stringify(kept, undefined, 1)}\n`)
}
