import { mb } from '../measure.ts'
import type { BenchOptions } from '../options.ts'
import { spreadOf } from './crew.ts'
import { moment } from './crew-spec.ts'
import { Ground, TARGET_COLUMNS, against, load, sleep, watchMemory } from './ground.ts'
import type { Measured } from './ground.ts'

const USERS = 20
/** Ms for everything to be stored when the database answers again. */
const DRAIN_MS = 120_000

/** The database stops answering under load, and comes back. */
export async function storeAway(options: BenchOptions): Promise<Measured> {
  const ground = await Ground.open({ store: 'mongo', cpuProf: options.cpuProf })
  try {
    const pid = ground.mongo?.database.pid
    if (pid === undefined) throw new Error('only a database that the bench has started itself can be halted')
    // A halted process does not hear that it is to end.
    const goOn = (): void => void process.kill(pid, 'SIGCONT')
    process.once('exit', goOn)
    const users = await ground.users(USERS)
    const spec = { run: 'away', users, pairs: options.drones, viewers: 1, pairsPerViewer: 1 }
    const crews = await ground.crews(options.crews, { ...spec, tokenBytes: options.tokenBytes })
    await crews.ask('speak', { rate: options.rate / options.drones })
    await sleep(options.warmup * 1000)
    await crews.ask('reset', null)
    await sleep(options.warmup * 1000)
    const before = await crews.figures()
    await ground.relay.server.usage({ gc: true })
    const memory = watchMemory(ground)
    process.kill(pid, 'SIGSTOP')
    await crews.ask('reset', null)
    await sleep(options.seconds * 1000)
    const during = await crews.figures()
    const atLoad = load()
    const since = moment()
    goOn()
    process.off('exit', goOn)
    const caughtUp = (await crews.ask('caughtUp', { since, limitMs: DRAIN_MS })).flat()
    const drained = spreadOf(caughtUp.map(({ ackedMs }) => ackedMs ?? DRAIN_MS))
    memory.stop()
    await crews.ask('quiet', null)
    const wrong = await crews.end()
    await crews.close()
    return {
      title: `store-away: ${options.drones} live turns, ${options.rate} token events/s in total, FerretDB halted for ${options.seconds} s`,
      columns: TARGET_COLUMNS,
      rows: [
        against('acknowledged before, p50', 'ms', before.acks.p50),
        against('acknowledged before, p99', 'ms', before.acks.p99),
        against('heard by viewers before, p99', 'ms', before.heard.p99),
        against('heard by viewers while it is away, p99', 'ms', during.heard.p99),
        against('acknowledged while it is away', 'n', during.acks.count),
        against('said while it is away', 'n', during.said),
        against('relay memory grew by at most', 'MB', mb(memory.grown), 64),
        against('stored again after its return, p50', 's', drained.p50 / 1000),
        against('stored again after its return, last', 's', drained.max / 1000, 10),
        against('texts that differ, or turns that did not finish', 'n', wrong.length, 0),
        ['load average then', '1 5 15 min', atLoad, '', ''],
      ],
      wrong,
      raw: { before, during, caughtUp, memory: memory.samples, load: atLoad },
      ranAs: ground.relay.ranAs,
    }
  } finally {
    await ground.close()
  }
}
