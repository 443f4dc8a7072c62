import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchOptions } from '../options.ts'
import { anonymousBytes } from '../measure.ts'
import { startRelay } from '../relay-process.ts'
import type { RelayProcess } from '../relay-process.ts'
import type { Row } from '../report.ts'
import { openMongo } from '../stage.ts'
import type { Mongo } from '../stage.ts'
import { Crews } from './crew.ts'
import { userKeys } from '../user-keys.ts'
import type { UserKeys } from '../user-keys.ts'
import type { CrewSpec } from './crew-spec.ts'
import { moment } from './crew-spec.ts'

/** What a scenario hands to the bench. */
export interface Measured {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  readonly wrong: readonly string[]
  readonly raw: unknown
  readonly ranAs: RelayProcess['ranAs']
}

export interface GroundOptions {
  readonly store: BenchOptions['store']
  readonly cpuProf?: string | undefined
  readonly flags?: readonly string[]
  readonly nodeArgs?: readonly string[]
  readonly isApart?: boolean
}

/** Where a relay may be killed and started again: its folder, its port and its database stay. */
export class Ground {
  readonly #options: GroundOptions
  readonly #dir: string
  readonly #mongo: Mongo | undefined
  #relay: RelayProcess | undefined
  #listenedAt = 0

  private constructor(options: GroundOptions, dir: string, mongo: Mongo | undefined) {
    this.#options = options
    this.#dir = dir
    this.#mongo = mongo
  }

  static async open(options: GroundOptions): Promise<Ground> {
    const dir = mkdtempSync(join(tmpdir(), 'drone-relay-bench-'))
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
    const ground = new Ground(options, dir, options.store === 'mongo' ? await openMongo() : undefined)
    await ground.start()
    return ground
  }

  get relay(): RelayProcess {
    if (!this.#relay) throw new Error('no relay runs')
    return this.#relay
  }

  get dir(): string {
    return this.#dir
  }

  get url(): string {
    return this.relay.url
  }

  get mongo(): Mongo | undefined {
    return this.#mongo
  }

  /** When the relay that runs now began to listen, as `moment` counts. */
  get listenedAt(): number {
    return this.#listenedAt
  }

  /** Resolves when it takes work. */
  async start(): Promise<void> {
    const { cpuProf, flags = [], nodeArgs, isApart = false } = this.#options
    const port = this.#relay ? Number(new URL(this.#relay.url).port) : 0
    this.#relay = await startRelay({
      dataDir: join(this.#dir, 'data'),
      mongodbUri: this.#mongo?.uri,
      cpuProfDir: cpuProf,
      port,
      isApart,
      flags: ['--log-level=info', ...flags],
      ...(nodeArgs ? { nodeArgs } : {}),
      onLine: (line) => {
        if (line.includes('The relay listens.')) this.#listenedAt = moment()
      },
    })
  }

  /** Keys of `count` users beside the first. */
  users(count: number): Promise<UserKeys[]> {
    return userKeys(this.relay, count)
  }

  /** Crews with their turns open. */
  async crews(count: number, spec: Omit<CrewSpec, 'droneUrl' | 'codeUrl'>): Promise<Crews> {
    const crews = new Crews(count)
    await crews.open({ ...spec, droneUrl: this.url, codeUrl: this.url })
    return crews
  }

  async close(): Promise<void> {
    await this.#relay?.server.stop()
    await this.#mongo?.stop()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** Looks at the memory of the relay until it is stopped. LMDB's file counts in RSS, so anonymous pages are what counts. */
export function watchMemory({ relay }: Ground, everyMs = 250) {
  const { pid } = relay.server
  const samples: { at: number; bytes: number }[] = []
  const look = (): number => {
    const bytes = anonymousBytes(pid) ?? 0
    samples.push({ at: moment(), bytes })
    return bytes
  }
  const before = look()
  const timer = setInterval(look, everyMs)
  return {
    before,
    look,
    samples,
    get grown(): number {
      return Math.max(...samples.map(({ bytes }) => bytes)) - before
    },
    stop: () => clearInterval(timer),
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** What else the machine did: said beside every figure, because others use its cores too. */
export function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
}

export const TARGET_COLUMNS = ['figure', 'target', 'met'] as const

/** A figure beside what it is to be at most. */
export function against(what: string, unit: string, figure: number | undefined, atMost?: number): Row {
  const isMet = figure !== undefined && atMost !== undefined && figure <= atMost
  return [
    what,
    unit,
    figure,
    atMost === undefined ? undefined : `<= ${atMost}`,
    atMost === undefined ? '' : isMet ? 'yes' : 'NO',
  ]
}
