import { PROTOCOL_VERSION } from '../../../src/protocol/handshake.ts'
import { FaultProxy } from '../../chaos/fault-proxy.ts'
import { connected } from '../connected.ts'
import type { BenchOptions } from '../options.ts'
import type { Row } from '../report.ts'
import { spreadOf, startCrew } from './crew.ts'
import { moment } from './crew-spec.ts'
import type { Ordered } from './crew-spec.ts'
import { Ground, TARGET_COLUMNS, against, load, sleep } from './ground.ts'
import type { Measured } from './ground.ts'

/** GRACE_MS of this relay: it is only waited out, so that it is short here. */
const GRACE_MS = 3000
/** Ms for all to be noticed and tried again beyond the grace. */
const LIMIT_MS = 30_000
/** The relay's ping interval: what is half-open is noticed the later the sooner after a ping it happens. */
const PING_MS = 5000

type Fault = 'killed' | 'half-open'
const NOTICED_MS = { killed: 1000, 'half-open': 8000 } as const

interface Death {
  readonly fault: Fault
  readonly droneId: string
  readonly noticedMs: number
  /** From the end of the grace to the arrival of the next attempt's order. */
  readonly retriedMs: number
}

/** Drones that die, or that the network swallows: when that is noticed, and when another one gets the turn. */
export async function deadDrones(options: BenchOptions): Promise<Measured> {
  const faults = (['killed', 'half-open'] as const).filter((fault) => (options.only ?? fault) === fault)
  const deaths: Death[] = []
  const loads: string[] = []
  const ground = await Ground.open({
    store: options.store,
    cpuProf: options.cpuProf,
    flags: [`--grace-ms=${GRACE_MS}`],
  })
  try {
    for (const fault of faults) {
      for (let round = 1; round <= options.rounds; round++) {
        deaths.push(...(await die(ground, fault, `${fault}-${round}`, options)))
        loads.push(`${fault} ${round}: ${load()}`)
      }
    }
    const wrong = deaths.filter(({ noticedMs, retriedMs }) => noticedMs > LIMIT_MS || retriedMs > LIMIT_MS)
    return {
      title: `dead-drone on ${options.store}: ${options.drones} drones, ${options.rounds} round(s) each, a grace of ${GRACE_MS} ms`,
      columns: TARGET_COLUMNS,
      rows: [
        ...faults.flatMap((fault) =>
          rowsOf(
            fault,
            deaths.filter((death) => death.fault === fault),
          ),
        ),
        ['load average after each round', '1 5 15 min', loads.join(', '), '', ''],
      ],
      wrong: wrong.map(({ droneId }) => `${droneId}: its end was not noticed, or its turn not tried again`),
      raw: { deaths, loads },
      ranAs: ground.relay.ranAs,
    }
  } finally {
    await ground.close()
  }
}

async function die(ground: Ground, fault: Fault, run: string, options: BenchOptions): Promise<Death[]> {
  const { url, keys } = ground.relay
  const proxy = await FaultProxy.open(() => Number(new URL(url).port))
  const users = [keys]
  const spec = { run, codeUrl: url, users, pairs: options.drones, tokenBytes: options.tokenBytes }
  const victims = startCrew()
  const spares = startCrew()
  const away = new Map<string, number>()
  const viewer = connected(`${url}/code`, { token: keys.code, protocol: PROTOCOL_VERSION }, console.error)
  viewer.on('drone:changed', ({ droneId, state }: { droneId: string; state: string }) => {
    if (state === 'away' && !away.has(droneId)) away.set(droneId, moment())
  })
  try {
    // Connected one after the other over one span between pings, so that they die at every phase of it.
    const spreadMs = fault === 'killed' ? 0 : PING_MS / options.drones
    const { drones } = await victims.ask('open', {
      ...spec,
      droneUrl: fault === 'killed' ? url : `http://127.0.0.1:${proxy.port}`,
      viewers: 0,
      pairsPerViewer: options.drones,
      ...(spreadMs === 0 ? {} : { spreadMs }),
    })
    await spares.ask('spares', { ...spec, droneUrl: url })
    await victims.ask('speak', { rate: options.rate / options.drones })
    await sleep(options.warmup * 1000)
    const diedAt = moment()
    if (fault === 'killed') victims.kill()
    else proxy.mode = { is: 'stalled' }
    const orders = await untilRetried(() => spares.ask('orders', null), drones.length)
    return drones.map((droneId): Death => {
      const noticedAt = away.get(droneId) ?? Number.POSITIVE_INFINITY
      const spare = droneId.replace('drone-', 'spare-')
      const order = orders.find((one) => one.droneId === spare)
      const retriedMs = (order?.at ?? Number.POSITIVE_INFINITY) - noticedAt - GRACE_MS
      return { fault, droneId, noticedMs: noticedAt - diedAt, retriedMs }
    })
  } finally {
    viewer.disconnect()
    victims.kill()
    await Promise.all([victims.close(), spares.close(), proxy.close()])
  }
}

async function untilRetried(orders: () => Promise<Ordered[]>, wanted: number): Promise<Ordered[]> {
  const until = moment() + GRACE_MS + LIMIT_MS
  for (;;) {
    const found = (await orders()).filter(({ attempt }) => attempt > 1)
    if (found.length >= wanted || moment() > until) return found
    await sleep(200)
  }
}

function rowsOf(fault: Fault, deaths: readonly Death[]): Row[] {
  const noticed = spreadOf(deaths.map(({ noticedMs }) => noticedMs))
  const retried = spreadOf(deaths.map(({ retriedMs }) => retriedMs))
  return [
    against(`${fault}: noticed, p50`, 'ms', noticed.p50),
    against(`${fault}: noticed, last of ${noticed.count}`, 'ms', noticed.max, NOTICED_MS[fault]),
    against(`${fault}: retried after the grace, p50`, 'ms', retried.p50),
    against(`${fault}: retried after the grace, p99`, 'ms', retried.p99, 2000),
    against(`${fault}: retried after the grace, max`, 'ms', retried.max),
  ]
}
