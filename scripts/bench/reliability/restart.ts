import type { BenchOptions } from '../options.ts'
import type { Row } from '../report.ts'
import { spreadOf } from './crew.ts'
import type { CaughtUp } from './crew-spec.ts'
import { Ground, TARGET_COLUMNS, against, load, sleep } from './ground.ts'
import type { Measured } from './ground.ts'

/** Ms in which everybody must be caught up, or counts as not. */
const CATCH_UP_MS = 60_000
/** Turns that one viewer's connection watches where there are as many turns as the machine allows. */
const SHARED = 10
const KILLED = { turns: 200, ackedMs: 3000, seenMs: 3000 } as const
const GRACEFUL = { ackedMs: 10_000, stopMs: 10_000 } as const

interface Restart {
  readonly is: 'kill' | 'stop'
  /** From the signal to the end of the process. */
  readonly stopMs: number
  readonly downMs: number
  /** From listening to taking work. */
  readonly readyMs: number
  readonly caughtUp: readonly CaughtUp[]
  readonly load: string
}

interface Run {
  readonly restarts: readonly Restart[]
  readonly wrong: readonly string[]
  readonly turns: number
  readonly ranAs: Measured['ranAs']
}

/** The relay is killed, and stopped, with live turns: how long until everything is as it was. */
export async function restart(options: BenchOptions): Promise<Measured> {
  const runs: Run[] = []
  const rows: Row[] = []
  if (options.only === undefined || options.only === 'kill') {
    const run = await restartedRun(options, 'kill', KILLED.turns, 1)
    runs.push(run)
    rows.push(...killRows(run))
  }
  if (options.only === undefined || options.only === 'stop') {
    const run = await restartedRun(options, 'stop', options.drones, SHARED)
    runs.push(run)
    rows.push(...stopRows(run))
  }
  return {
    title: `restart on ${options.store}: ${options.rounds} restart(s), down for ${options.downMs} ms more than the start takes`,
    columns: TARGET_COLUMNS,
    rows,
    wrong: runs.flatMap(({ wrong }) => wrong),
    raw: runs,
    ranAs: runs[0]?.ranAs ?? 'tsx',
  }
}

async function restartedRun(
  options: BenchOptions,
  is: Restart['is'],
  turns: number,
  pairsPerViewer: number,
): Promise<Run> {
  const ground = await Ground.open({ store: options.store, cpuProf: options.cpuProf })
  try {
    const users = await ground.users(options.users)
    const spec = { run: 'restart', users, pairs: turns, viewers: 1, pairsPerViewer }
    const crews = await ground.crews(options.crews, { ...spec, tokenBytes: options.tokenBytes })
    await crews.ask('speak', { rate: options.rate / turns })
    const restarts: Restart[] = []
    for (let round = 1; round <= options.rounds; round++) {
      await sleep(options.warmup * 1000)
      const { server } = ground.relay
      const signalledAt = performance.now()
      await (is === 'kill' ? server.kill() : server.stop())
      const stopMs = performance.now() - signalledAt
      await sleep(options.downMs)
      // Asked before it listens, so that what was said until then is what has to be acknowledged.
      const started = ground.start()
      const since = await listening(ground, started)
      const downMs = performance.now() - signalledAt - stopMs
      const asked = crews.ask('caughtUp', { since, limitMs: CATCH_UP_MS })
      await started
      const readyMs = performance.timeOrigin + performance.now() - since
      const caughtUp = (await asked).flat()
      restarts.push({ is, stopMs, downMs, readyMs, caughtUp, load: load() })
      console.error(`${is} ${round}: ended in ${stopMs.toFixed(0)} ms, took work in ${readyMs.toFixed(0)} ms`)
    }
    await crews.ask('quiet', null)
    const wrong = await crews.end()
    await crews.close()
    return { restarts, wrong, turns, ranAs: ground.relay.ranAs }
  } finally {
    await ground.close()
  }
}

async function listening(ground: Ground, started: Promise<void>): Promise<number> {
  const before = ground.listenedAt
  let failed: unknown
  started.catch((error: unknown) => (failed = error))
  while (ground.listenedAt === before) {
    if (failed !== undefined) throw failed as Error
    await sleep(1)
  }
  return ground.listenedAt
}

/** Who never came counts as the longest. */
function times(run: Run, of: (caughtUp: CaughtUp) => number | undefined): number[] {
  return run.restarts.flatMap(({ caughtUp }) => caughtUp.map((one) => of(one) ?? CATCH_UP_MS))
}

function commonRows(name: string, run: Run): Row[] {
  const { restarts } = run
  return [
    against(
      `${name}: down, from the end to listening, longest`,
      'ms',
      Math.max(...restarts.map(({ downMs }) => downMs)),
    ),
    against(
      `${name}: from listening to taking work, longest`,
      'ms',
      Math.max(...restarts.map((r) => r.readyMs)),
    ),
    [`${name}: load average then`, '1 5 15 min', restarts.at(-1)?.load, '', ''],
  ]
}

function killRows(run: Run): Row[] {
  const name = `kill -9, ${run.turns} turns`
  const acked = spreadOf(times(run, ({ ackedMs }) => ackedMs))
  const seen = spreadOf(times(run, ({ seenMs }) => seenMs))
  return [
    against(`${name}: listening to acknowledged again, p50`, 'ms', acked.p50, 1000),
    against(`${name}: listening to acknowledged again, p99`, 'ms', acked.p99, KILLED.ackedMs),
    against(`${name}: viewers caught up, p50`, 'ms', seen.p50),
    against(`${name}: viewers caught up, p99`, 'ms', seen.p99, KILLED.seenMs),
    ...commonRows(name, run),
  ]
}

function stopRows(run: Run): Row[] {
  const name = `SIGTERM, ${run.turns} turns`
  const acked = spreadOf(times(run, ({ ackedMs }) => ackedMs))
  const seen = spreadOf(times(run, ({ seenMs }) => seenMs))
  const failed = run.wrong.filter((what) => what.includes('its turn is')).length
  return [
    against(`${name}: turns failed, or in a later attempt`, 'n', failed, 0),
    against(
      `${name}: shutdown, longest`,
      'ms',
      Math.max(...run.restarts.map((r) => r.stopMs)),
      GRACEFUL.stopMs,
    ),
    against(`${name}: listening to acknowledged again, p50`, 'ms', acked.p50),
    against(`${name}: listening to acknowledged again, p99`, 'ms', acked.p99, GRACEFUL.ackedMs),
    against(`${name}: viewers caught up, p99`, 'ms', seen.p99),
    ...commonRows(name, run),
  ]
}
