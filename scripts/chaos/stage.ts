import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFirstKeys } from '../../src/cli/first-keys.ts'
import type { FirstKeys } from '../../src/cli/first-keys.ts'
import { Audience } from './audience.ts'
import type { Violation } from './checker.ts'
import { Database } from './database.ts'
import { DroneHost } from './drone-host.ts'
import type { DroneReport } from './drone-host.ts'
import { Driver } from './driver.ts'
import { FaultProxy } from './fault-proxy.ts'
import type { Scene } from './faults.ts'
import { relayEnv } from './intensity.ts'
import type { Intensity } from './intensity.ts'
import type { ChaosOptions } from './options.ts'
import { Reader } from './reader.ts'
import { Recovery } from './recovery.ts'
import { RelayHost } from './relay-host.ts'

/** Orders that one drone works on at a time. */
const CAPACITY = 3
const ABORTED = 0.06
/** The share of turns during which another message comes. */
const QUEUED = 0.5
/** Before a relay that ended by itself is started again: one that cannot start must not take all of the machine. */
const AGAIN_MS = 500

/** Everybody of a run, and the folder it leaves behind where something went wrong. */
export interface Stage extends Scene {
  readonly folder: string
  readonly journalDir: string
  readonly audience: Audience
  readonly drivers: readonly Driver[]
  readonly reader: Reader
  readonly frontUrl: string
  readonly sessions: readonly string[]
  /** Processes that ended though nobody had ended them. */
  readonly deaths: readonly Violation[]
}

export async function openStage(options: ChaosOptions, intensity: Intensity): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'drone-relay-chaos-'))
  const journalDir = join(folder, 'journal')
  const dataDir = join(folder, 'data')
  mkdirSync(journalDir)
  const recovery = new Recovery()
  const deaths: Violation[] = []
  const database = options.store === 'mongo' ? await openDatabase(folder) : undefined
  let onListening: (at: number) => void = () => undefined
  const relay = await RelayHost.open({
    folder,
    env: { ...relayEnv(options, intensity), DATA_DIR: dataDir, MONGODB_URI: database?.uri ?? '' },
    onListening: (at) => onListening(at),
    onDied(how) {
      deaths.push({ wrong: 'died', detail: `the relay ended by itself: ${how}` })
      setTimeout(() => void relay.start().catch(() => undefined), AGAIN_MS)
    },
  })
  const keys = await readFirstKeys(dataDir)
  if (!keys) throw new Error('the relay wrote no keys')
  const toRelay = (): Promise<FaultProxy> => FaultProxy.open(() => relay.port)
  const [front, viewerLink] = await Promise.all([toRelay(), toRelay()])
  const urls = { steady: urlOf(front), shaky: urlOf(viewerLink) }
  const sessions = Array.from({ length: options.sessions }, (_, index) => `chat-${index + 1}`)
  const cast: Cast = { folder, journalDir, keys, recovery, deaths, options, intensity, urls, sessions }
  const audience = new Audience({ urls, key: keys.code, seed: options.seed, recovery })
  const ids = Array.from({ length: options.drones }, (_, index) => `drone-${index + 1}`)
  const drones = await Promise.all(ids.map((droneId) => openDrone(droneId, toRelay, cast)))
  onListening = (at) => recovery.listening(at, ids, audience.views)
  return {
    folder,
    journalDir,
    relay,
    database,
    recovery,
    drones,
    viewerLink,
    audience,
    sessions,
    deaths,
    drivers: openDrivers(cast, audience),
    links: [front, viewerLink, ...drones.map(({ link }) => link)],
    reader: new Reader(urls.steady, keys.code),
    frontUrl: urls.steady,
  }
}

/** Every link is well again; the processes were brought back by the faults themselves. */
export function healStage({ links, database }: Stage): void {
  for (const link of [...links, ...(database ? [database.link] : [])]) if (!link.isFine) link.heal()
}

export async function closeStage(stage: Stage, keep: boolean): Promise<void> {
  for (const { viewer } of stage.drivers) viewer.close()
  stage.audience.close()
  await Promise.all(stage.drones.map(({ host }) => host.kill()))
  await stage.relay.kill()
  await Promise.all(stage.links.map((link) => link.close()))
  await stage.database?.close()
  if (!keep) rmSync(stage.folder, { recursive: true, force: true })
}

interface Cast {
  readonly folder: string
  readonly journalDir: string
  readonly keys: FirstKeys
  readonly recovery: Recovery
  readonly deaths: Violation[]
  readonly options: ChaosOptions
  readonly intensity: Intensity
  readonly urls: { readonly steady: string; readonly shaky: string }
  readonly sessions: readonly string[]
}

function openDrivers({ urls, keys, options, intensity, sessions }: Cast, audience: Audience): Driver[] {
  return [urls.steady, urls.shaky].map(
    (url, index) =>
      new Driver({
        name: `driver-${index + 1}`,
        url,
        key: keys.code,
        seed: options.seed,
        sessions: sessions.filter((_, at) => at % 2 === index),
        pauseMs: intensity.pauseMs,
        aborted: ABORTED,
        queued: QUEUED,
        onSession: (session) => audience.begun(session),
      }),
  )
}

async function openDatabase(folder: string): Promise<Database> {
  const dir = join(folder, 'ferretdb')
  mkdirSync(dir)
  return Database.open(dir)
}

async function openDrone(
  droneId: string,
  toRelay: () => Promise<FaultProxy>,
  { folder, journalDir, keys, recovery, deaths, options, intensity }: Cast,
): Promise<{ host: DroneHost; link: FaultProxy }> {
  const link = await toRelay()
  const host: DroneHost = new DroneHost({
    folder,
    orders: {
      url: urlOf(link),
      token: keys.drone,
      droneId,
      stateDir: join(folder, `state-${droneId}`),
      journalDir,
      seed: `${options.seed}/${droneId}`,
      pace: intensity.pace,
      capacity: CAPACITY,
    },
    onReport(_droneId, report: DroneReport) {
      if (report.is === 'acknowledged') recovery.acknowledged(droneId, report.at)
      if (report.is === 'final')
        deaths.push({ wrong: 'died', detail: `${droneId} was refused: ${report.why}` })
    },
    onDied(_droneId, how) {
      deaths.push({ wrong: 'died', detail: `${droneId} ended by itself: ${how}` })
      host.start()
    },
  })
  host.start()
  return { host, link }
}

function urlOf(link: FaultProxy): string {
  return `http://127.0.0.1:${link.port}`
}
