import { cpuUsOf, folderBytes, writtenBytes } from './measure.ts'
import { runLoad } from './load-run.ts'
import type { BenchOptions } from './options.ts'
import type { LoadReport, LoadSpec } from './spec.ts'
import type { Stage } from './stage.ts'

const BYTES_PER_MB = 1_000_000
/** Ms that one load may take: the longest turn through the slowest store. */
const LIMIT_MS = 300_000

/** What one load cost the relay and its store. */
export interface Cost {
  readonly report: LoadReport
  readonly cpuUs: number
  readonly rss: number
  readonly loopP99Ms: number
  /** Given to the disk, by the relay and its database together. */
  readonly writtenBytes: number | undefined
  /** What the store's folder grew by. */
  readonly grownBytes: number | undefined
  readonly databaseCpuUs: number | undefined
}

interface Look {
  readonly cpuUs: number
  readonly rss: number
  readonly loopP99Ms: number
  readonly writtenBytes: number | undefined
  readonly folder: number | undefined
  readonly databaseCpuUs: number | undefined
}

async function look({ relay, database, storeDir }: Stage): Promise<Look> {
  const { server } = relay
  const { cpuUs, rss, loopP99Ms } = await server.usage({ reset: true })
  const pid = database?.pid
  const written = [server.pid, ...(pid === undefined ? [] : [pid])].map(writtenBytes)
  return {
    cpuUs,
    rss,
    loopP99Ms,
    writtenBytes: written.includes(undefined)
      ? undefined
      : written.reduce((sum = 0, next = 0) => sum + next, 0),
    folder: storeDir === undefined ? undefined : await folderBytes(storeDir),
    databaseCpuUs: pid === undefined ? undefined : cpuUsOf(pid),
  }
}

function between(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before
}

/** Runs one load and says what it cost between its marks. */
export async function costOf(stage: Stage, spec: Omit<LoadSpec, 'target'>): Promise<Cost> {
  let before: Look | undefined
  let after: Look | undefined
  const report = await runLoad({
    specs: [{ ...spec, target: stage.target }],
    limitMs: LIMIT_MS,
    async onMark(mark) {
      if (mark === 'begin') before = await look(stage)
      else after = await look(stage)
    },
  })
  if (!before || !after) throw new Error(`the load ${spec.run} was never measured`)
  console.error(`${spec.run}: ${Math.round(report.ms)} ms`)
  return {
    report,
    cpuUs: after.cpuUs - before.cpuUs,
    rss: after.rss,
    loopP99Ms: after.loopP99Ms,
    writtenBytes: between(before.writtenBytes, after.writtenBytes),
    grownBytes: between(before.folder, after.folder),
    databaseCpuUs: between(before.databaseCpuUs, after.databaseCpuUs),
  }
}

export interface LongTurns {
  readonly warmUp: Cost[]
  readonly small: Cost[]
  readonly large: Cost[]
}

/** Turns of two sizes, one after the other in turns, on one relay. */
export async function longTurns(options: BenchOptions, stage: Stage): Promise<LongTurns> {
  const turns: LongTurns = { warmUp: [], small: [], large: [] }
  const speak = (run: string, mb: number): Promise<Cost> => {
    const scenario = { kind: 'turn', bytes: mb * BYTES_PER_MB, tokenBytes: options.tokenBytes } as const
    return costOf(stage, { run, scenario })
  }
  // Compiled and grown once before anything counts.
  turns.warmUp.push(await speak('warm-up', options.largeMb))
  for (let index = 1; index <= options.repeat; index++) {
    turns.small.push(await speak(`small-${index}`, options.smallMb))
    turns.large.push(await speak(`large-${index}`, options.largeMb))
  }
  return turns
}

/** Joins of one long live turn. */
export function joins({ largeMb, tokenBytes, rate, repeat }: BenchOptions, stage: Stage): Promise<Cost> {
  const bytes = largeMb * BYTES_PER_MB
  const scenario = { kind: 'joins', bytes, tokenBytes, rate, joins: repeat, together: 5 } as const
  return costOf(stage, { run: 'joins', scenario })
}
