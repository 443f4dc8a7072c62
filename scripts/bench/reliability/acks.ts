import type { BenchOptions } from '../options.ts'
import { waitedForCoreMs } from '../measure.ts'
import type { Row } from '../report.ts'
import type { Spread } from './crew.ts'
import { Ground, TARGET_COLUMNS, against, load, sleep } from './ground.ts'
import type { Measured } from './ground.ts'
import { timeSyncs, timeUpserts } from './store-alone.ts'
import type { UpsertTimes } from './store-alone.ts'

const USERS = 20

interface Case {
  readonly store: 'lmdb' | 'mongo'
  readonly turns: number
  readonly p99AtMostMs?: number
}

const CASES: readonly Case[] = [
  { store: 'lmdb', turns: 200, p99AtMostMs: 25 },
  { store: 'mongo', turns: 20, p99AtMostMs: 60 },
  { store: 'mongo', turns: 200 },
]

interface AckFigures extends Case {
  readonly acks: Spread
  readonly saidPerSecond: number
  readonly generatorLoopP99Ms: number
  readonly generatorLoopMaxMs: number
  readonly generatorCpu: number
  readonly lumped: number
  readonly relayLoopP99Ms: number
  readonly relayCpu: number
  readonly waitedMsPerSecond: number | undefined
  readonly upserts: UpsertTimes | undefined
  readonly syncs: Spread | undefined
  readonly wrong: readonly string[]
  readonly load: string
  readonly ranAs: Measured['ranAs']
}

/** How long it takes until what a drone said is stored and it is told so. */
export async function acks(options: BenchOptions): Promise<Measured> {
  const { only } = options
  const cases = CASES.filter(
    ({ store, turns }) => only === undefined || only === store || only === `${store}-${turns}`,
  )
  const measured: AckFigures[] = []
  for (const one of cases) measured.push(await measure(one, options))
  const rows = measured.flatMap(rowsOf)
  return {
    title: `acks: ${options.rate} token events/s in total, ${options.seconds} s each, ${options.crews} load processes`,
    columns: TARGET_COLUMNS,
    rows,
    wrong: measured.flatMap(({ wrong }) => wrong),
    raw: measured,
    ranAs: measured[0]?.ranAs ?? 'tsx',
  }
}

async function measure(one: Case, options: BenchOptions): Promise<AckFigures> {
  const ground = await Ground.open({ store: one.store, cpuProf: options.cpuProf })
  try {
    const upserts = ground.mongo ? await timeUpserts(ground.mongo.uri) : undefined
    const syncs = ground.mongo ? undefined : await timeSyncs(ground.dir)
    const users = await ground.users(USERS)
    const spec = { run: 'acks', users, pairs: one.turns, viewers: 0, pairsPerViewer: 1 }
    const crews = await ground.crews(options.crews, { ...spec, tokenBytes: options.tokenBytes })
    await crews.ask('speak', { rate: options.rate / one.turns })
    await sleep(options.warmup * 1000)
    const { server } = ground.relay
    const before = await server.usage({ reset: true })
    const waitedBefore = waitedForCoreMs(server.pid)
    const startedAt = performance.now()
    await crews.ask('reset', null)
    await sleep(options.seconds * 1000)
    const figures = await crews.figures()
    const seconds = (performance.now() - startedAt) / 1000
    const after = await server.usage()
    const waitedMs = (waitedForCoreMs(server.pid) ?? Number.NaN) - (waitedBefore ?? 0)
    const atLoad = load()
    await crews.ask('quiet', null)
    const wrong = await crews.end()
    await crews.close()
    console.error(`${one.store}, ${one.turns} turns: p99 ${figures.acks.p99.toFixed(1)} ms (load ${atLoad})`)
    return {
      ...one,
      acks: figures.acks,
      saidPerSecond: figures.said / seconds,
      generatorLoopP99Ms: figures.loopP99Ms,
      generatorLoopMaxMs: figures.loopMaxMs,
      generatorCpu: figures.cpuShare,
      lumped: figures.lumped,
      relayLoopP99Ms: after.loopP99Ms,
      relayCpu: (after.cpuUs - before.cpuUs) / 1e6 / seconds,
      waitedMsPerSecond: waitedMs / seconds,
      upserts,
      syncs,
      wrong,
      load: atLoad,
      ranAs: ground.relay.ranAs,
    }
  } finally {
    await ground.close()
  }
}

function rowsOf(one: AckFigures): Row[] {
  const name = `${one.store === 'lmdb' ? 'LMDB' : 'FerretDB'}, ${one.turns} turns`
  const upserts: Row[] = one.upserts
    ? [
        against(`${name}: its own upsert, one at a time, p50`, 'ms', one.upserts.single.p50),
        against(`${name}: its own upsert, one at a time, p99`, 'ms', one.upserts.single.p99),
        against(`${name}: its own upsert, 20 at once, p50`, 'ms', one.upserts.together.p50),
        against(`${name}: its own upserts, 20 at once`, '1/s', one.upserts.togetherPerSecond),
      ]
    : []
  const syncs: Row[] = one.syncs
    ? [
        against(`${name}: the disk's own fdatasync, p50`, 'ms', one.syncs.p50),
        against(`${name}: the disk's own fdatasync, p99`, 'ms', one.syncs.p99),
      ]
    : []
  return [
    against(`${name}: acknowledged, p50`, 'ms', one.acks.p50),
    against(`${name}: acknowledged, p99`, 'ms', one.acks.p99, one.p99AtMostMs),
    against(`${name}: acknowledged, max`, 'ms', one.acks.max),
    ...upserts,
    ...syncs,
    against(`${name}: said`, '1/s', one.saidPerSecond),
    against(`${name}: generator loop delay p99, worst process`, 'ms', one.generatorLoopP99Ms),
    against(`${name}: relay loop delay p99`, 'ms', one.relayLoopP99Ms),
    against(`${name}: relay CPU`, '% of a core', one.relayCpu * 100),
    against(`${name}: relay threads waited for a core`, 'ms/s', one.waitedMsPerSecond),
    [`${name}: load average then`, '1 5 15 min', one.load, '', ''],
  ]
}
