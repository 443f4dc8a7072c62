import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startFerretdb } from '../services/ferretdb.ts'
import type { BenchOptions } from './options.ts'
import { startRelay } from './relay-process.ts'
import type { RelayProcess } from './relay-process.ts'
import { startServer } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'
import type { ForwarderTarget, RelayTarget } from './spec.ts'

/** The database behind a relay, where it is a process of its own. */
export interface Database {
  readonly name: string
  /** Unknown where the database was there before the bench. */
  readonly pid?: number
}

/** The relay under test, with a data folder of its own. */
export interface Stage {
  readonly relay: RelayProcess
  readonly target: RelayTarget
  /** Where the words end up, if that is a folder here. */
  readonly storeDir: string | undefined
  readonly database: Database | undefined
  close(): Promise<void>
}

export async function openStage({ store, plain, cpuProf }: BenchOptions): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'drone-relay-bench-'))
  // For an end that comes in between; the servers that may still write are ended first, in their own `exit` listeners.
  const remove = (): void => rmSync(dir, { recursive: true, force: true })
  process.once('exit', remove)
  const mongo = store === 'mongo' ? await openMongo() : undefined
  const dataDir = join(dir, 'data')
  const relay = await startRelay({ dataDir, mongodbUri: mongo?.uri, cpuProfDir: cpuProf })
  const { url, keys } = relay
  return {
    relay,
    target: { kind: 'relay', url, keys, stateDir: join(dir, 'drones'), plain },
    storeDir: mongo ? mongo.dir : join(dataDir),
    database: mongo?.database,
    async close() {
      await relay.server.stop()
      await mongo?.stop()
      remove()
      process.off('exit', remove)
    },
  }
}

export interface Mongo {
  readonly uri: string
  readonly dir: string | undefined
  readonly database: Database
  stop(): Promise<void>
}

/** The server of MONGODB_URI, in a database of this run, else a FerretDB of our own. */
export async function openMongo(): Promise<Mongo> {
  const given = process.env['MONGODB_URI'] ?? ''
  if (given !== '') {
    const uri = new URL(given)
    uri.pathname = `/relay_bench_${process.pid}`
    return { uri: uri.href, dir: undefined, database: { name: 'MONGODB_URI' }, stop: async () => undefined }
  }
  const { uri, dir, pid, stop } = await startFerretdb()
  return { uri, dir, database: { name: 'FerretDB', pid }, stop }
}

export interface Forwarder {
  readonly server: ServerProcess
  readonly target: ForwarderTarget
}

/** The bare forwarders that the relay is compared with. */
export function openForwarders(): Promise<Forwarder[]> {
  const open = async (kind: ForwarderTarget['kind']): Promise<Forwarder> => {
    const server = await startServer({
      name: `the ${kind} forwarder`,
      nodeArgs: ['--import', import.meta.resolve('tsx')],
      script: fileURLToPath(new URL(`baseline-${kind.replace('.', '')}.ts`, import.meta.url)),
    })
    return { server, target: { kind, url: server.said['url'] ?? '' } }
  }
  return Promise.all([open('socket.io'), open('merging'), open('ws')])
}
