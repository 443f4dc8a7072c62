import { FaultProxy } from '../../chaos/fault-proxy.ts'
import type { BenchOptions } from '../options.ts'
import { Crews, spreadOf } from './crew.ts'
import { moment } from './crew-spec.ts'
import { Ground, TARGET_COLUMNS, against, load, sleep } from './ground.ts'
import type { Measured } from './ground.ts'

/** Long enough for pings to be missed, and shorter than the grace of a relay with its usual options. */
const STALL_MS = 5000
/** Ms for everybody to be acknowledged again. */
const LIMIT_MS = 30_000
const USERS = 20

/** The network stands still for a while and goes on: nobody may be given up for that. */
export async function stalls(options: BenchOptions): Promise<Measured> {
  const ground = await Ground.open({ store: options.store, cpuProf: options.cpuProf })
  const { url } = ground
  const proxy = await FaultProxy.open(() => Number(new URL(url).port))
  try {
    const users = await ground.users(USERS)
    const crews = new Crews(options.crews)
    await crews.open({
      run: 'stalls',
      droneUrl: `http://127.0.0.1:${proxy.port}`,
      codeUrl: url,
      users,
      pairs: options.drones,
      viewers: 1,
      pairsPerViewer: options.drones / USERS,
      tokenBytes: options.tokenBytes,
    })
    await crews.ask('speak', { rate: options.rate / options.drones })
    await sleep(options.warmup * 1000)
    const backMs: number[] = []
    for (let round = 1; round <= options.rounds; round++) {
      proxy.mode = { is: 'stalled' }
      await sleep(STALL_MS)
      const since = moment()
      proxy.heal()
      const caughtUp = (await crews.ask('caughtUp', { since, limitMs: LIMIT_MS })).flat()
      backMs.push(...caughtUp.map(({ ackedMs }) => ackedMs ?? LIMIT_MS))
    }
    const atLoad = load()
    await crews.ask('quiet', null)
    // An attempt given up for nothing is among them: every turn has to be finished in its first.
    const wrong = await crews.end()
    await crews.close()
    const back = spreadOf(backMs)
    return {
      title: `stalls on ${options.store}: ${options.drones} drones whose links stand still for ${STALL_MS} ms, ${options.rounds} times`,
      columns: TARGET_COLUMNS,
      rows: [
        against('stalls', 'n', back.count),
        against('turns tried again, not finished, or with other words', 'n', wrong.length, 0),
        against('acknowledged again after the stall, p50', 'ms', back.p50),
        against('acknowledged again after the stall, p99', 'ms', back.p99),
        ['load average then', '1 5 15 min', atLoad, '', ''],
      ],
      wrong,
      raw: { back, load: atLoad },
      ranAs: ground.relay.ranAs,
    }
  } finally {
    await proxy.close()
    await ground.close()
  }
}
