import type { BenchOptions } from '../options.ts'
import { mb } from '../measure.ts'
import type { Row } from '../report.ts'
import { spreadOf, startCrew } from './crew.ts'
import type { Crews, Spread } from './crew.ts'
import { moment } from './crew-spec.ts'
import { Ground, TARGET_COLUMNS, against, load, sleep, watchMemory } from './ground.ts'
import type { Measured } from './ground.ts'

/** The relay's VIEWER_BUFFER_BYTES. */
const CAP_BYTES = 1_048_576
const MIB = 1_048_576
/** Small words of a few more turns, whose viewers stay well. */
const HEALTHY = { pairs: 10, rate: 20, tokenBytes: 20 } as const
/** Said of the turns that frozen viewers watch: all of it has to fill the system's buffers before the relay's. */
const STREAM = {
  same: { pairs: 1, bytesPerSecond: 400_000 },
  own: { bytesPerSecond: 40_000 },
  tokenBytes: 4000,
} as const
/** Ms for the last of them to be cut: the system itself takes about 4 MB for a peer that reads nothing. */
const LIMIT_MS = 240_000
/** Ms after the last cut at which its memory has to be back. */
const BACK_MS = 1000

/** As the probe in the relay tells of each connection. */
interface Conn {
  readonly openedAt: number
  readonly maxBytes: number
  readonly cappedAt?: number
  readonly closedAt?: number
}

interface Frozen {
  readonly name: string
  readonly grownBytes: number
  /** What the same stream without them made it grow by. */
  readonly unwatchedBytes: number
  readonly leftBytes: number
  readonly leftHeapBytes: number
  readonly perViewer: Spread
  readonly cutMs: Spread
  readonly cut: number
  readonly frozen: number
  /** How late healthy viewers heard: without any, beside as many that read, and beside the frozen. */
  readonly before: Spread
  readonly beside: Spread
  readonly during: Spread
  readonly seconds: number
  readonly wrong: readonly string[]
  readonly load: string
  readonly ranAs: Measured['ranAs']
}

/** Viewers that stop reading while the turns they watch go on: what they cost the relay, and those who do read. */
export async function frozen(options: BenchOptions): Promise<Measured> {
  const modes = (['same', 'own'] as const).filter((mode) => (options.only ?? mode) === mode)
  const measured: Frozen[] = []
  for (const mode of modes) measured.push(await freezeAll(mode, options))
  return {
    title: `frozen on ${options.store}: ${options.drones} viewers that stop reading`,
    columns: TARGET_COLUMNS,
    rows: measured.flatMap(rowsOf),
    wrong: measured.flatMap(({ wrong }) => wrong),
    raw: measured,
    ranAs: measured[0]?.ranAs ?? 'tsx',
  }
}

async function freezeAll(mode: 'same' | 'own', options: BenchOptions): Promise<Frozen> {
  process.env['BENCH_CAP_BYTES'] = String(CAP_BYTES)
  const probe = new URL('frozen-probe.mjs', import.meta.url).href
  const { store, cpuProf } = options
  const ground = await Ground.open({ store, cpuProf, nodeArgs: ['--import', probe], isApart: true })
  const { server } = ground.relay
  const conns = async (): Promise<Conn[]> => ((await server.usage()).extra as { conns: Conn[] }).conns
  const frost = startCrew()
  try {
    const users = (await ground.users(1)) as [{ drone: string; code: string }]
    const common = { users, viewers: 1, pairsPerViewer: 1 }
    const healthy = await ground.crews(1, { ...common, ...HEALTHY, run: 'healthy' })
    const stream = mode === 'same' ? STREAM.same : { ...STREAM.own, pairs: options.drones }
    const speaking = { ...common, viewers: 0, pairs: stream.pairs, tokenBytes: STREAM.tokenBytes }
    const rate = stream.bytesPerSecond / STREAM.tokenBytes
    // The same stream without them, of other turns: who joins a turn late reads it from the store at its own speed.
    const unwatched = await ground.crews(1, { ...speaking, run: 'unwatched' })
    const streams = await ground.crews(1, { ...speaking, run: 'stream' })
    await healthy.ask('speak', { rate: HEALTHY.rate })
    await unwatched.ask('speak', { rate })
    await sleep(options.warmup * 1000)
    const unwatchedMemory = watchMemory(ground, 100)
    const before = await latency(healthy, options.seconds * 1000)
    unwatchedMemory.stop()
    const readers = startCrew()
    const watched = sessionsOf(unwatched, options.drones)
    await readers.ask('freeze', { codeUrl: ground.url, code: users[0].code, sessions: watched, reads: true })
    const beside = await latency(healthy, options.seconds * 1000)
    await readers.ask('end', null)
    await readers.close()
    await unwatched.ask('quiet', null)
    const spoken = await unwatched.end()
    await unwatched.close()
    const heapBefore = await heap(ground)
    const memory = watchMemory(ground, 100)
    const known = (await conns()).length
    const sessions = sessionsOf(streams, options.drones)
    await frost.ask('freeze', { codeUrl: ground.url, code: users[0].code, sessions, reads: false })
    await healthy.ask('reset', null)
    const frozeAt = moment()
    await streams.ask('speak', { rate })
    const atLoad = load()
    const theirs = await untilCut(async () => (await conns()).slice(known), options.drones, frozeAt)
    memory.stop()
    const seconds = (moment() - frozeAt) / 1000
    const { heard: during } = await healthy.figures()
    // What the stream itself takes is not theirs.
    await streams.ask('quiet', null)
    await sleep(BACK_MS)
    const leftHeapBytes = (await heap(ground)) - heapBefore
    const leftBytes = memory.look() - memory.before
    await healthy.ask('quiet', null)
    const wrong = [...spoken, ...(await healthy.end()), ...(await streams.end())]
    await Promise.all([healthy.close(), streams.close()])
    if (theirs.length < options.drones)
      wrong.push(`${mode}: ${theirs.length} of ${options.drones} connections of frozen viewers were seen`)
    const cut = theirs.filter(({ closedAt }) => closedAt !== undefined)
    console.error(
      `${mode}: ${cut.length} of ${theirs.length} cut in ${seconds.toFixed(0)} s (load ${atLoad})`,
    )
    return {
      name: mode === 'same' ? 'one turn' : 'each its own turn',
      grownBytes: memory.grown,
      unwatchedBytes: unwatchedMemory.grown,
      leftBytes,
      leftHeapBytes,
      perViewer: spreadOf(theirs.map(({ maxBytes }) => maxBytes)),
      cutMs: spreadOf(
        cut.map(({ cappedAt, closedAt }) => (closedAt ?? 0) - (cappedAt ?? Number.NEGATIVE_INFINITY)),
      ),
      cut: cut.length,
      frozen: theirs.length,
      before,
      beside,
      during,
      seconds,
      wrong,
      load: atLoad,
      ranAs: ground.relay.ranAs,
    }
  } finally {
    await frost.close()
    await ground.close()
  }
}

function sessionsOf({ sessions }: Crews, count: number): string[] {
  return Array.from({ length: count }, (_, index) => sessions[index % sessions.length] ?? '')
}

async function latency(crews: Crews, ms: number): Promise<Spread> {
  await crews.ask('reset', null)
  await sleep(ms)
  return (await crews.figures()).heard
}

async function heap({ relay }: Ground): Promise<number> {
  // What a collection frees outside the heap is given back after it, and seen by the next one.
  await relay.server.usage({ gc: true })
  const { heapUsed, external } = await relay.server.usage({ gc: true })
  return heapUsed + external
}

async function untilCut(look: () => Promise<Conn[]>, count: number, since: number): Promise<Conn[]> {
  for (;;) {
    const conns = await look()
    const cut = conns.filter(({ closedAt }) => closedAt !== undefined)
    if (cut.length >= count || moment() - since > LIMIT_MS) return conns
    await sleep(100)
  }
}

function rowsOf(one: Frozen): Row[] {
  const name = one.name
  return [
    against(`${name}: viewers not cut`, 'n', one.frozen - one.cut, 0),
    against(`${name}: relay memory grew by at most`, 'MB', mb(one.grownBytes), 300),
    against(`${name}: by the same stream without them`, 'MB', mb(one.unwatchedBytes)),
    against(`${name}: held for one viewer, p50`, 'MiB', one.perViewer.p50 / MIB),
    against(`${name}: held for one viewer, max`, 'MiB', one.perViewer.max / MIB, 1.25),
    against(`${name}: cut after the cap, p50`, 'ms', one.cutMs.p50),
    against(`${name}: cut after the cap, max`, 'ms', one.cutMs.max, 2000),
    against(`${name}: heap left ${BACK_MS} ms after the last cut`, 'MB', mb(one.leftHeapBytes)),
    against(`${name}: memory left then`, 'MB', mb(one.leftBytes)),
    against(`${name}: healthy p99 without any`, 'ms', one.before.p99),
    against(`${name}: healthy p99 beside as many that read`, 'ms', one.beside.p99),
    against(`${name}: healthy p99 beside them`, 'ms', one.during.p99),
    against(`${name}: that is, of those beside as many that read`, 'x', one.during.p99 / one.beside.p99, 2),
    against(`${name}: it took`, 's', one.seconds),
    [`${name}: load average then`, '1 5 15 min', one.load, '', ''],
  ]
}
