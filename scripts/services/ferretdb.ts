import { execFile } from 'node:child_process'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dataDir } from './data-dir.ts'
import { startService } from './service.ts'

const SOURCES = fileURLToPath(new URL('ferretdb/', import.meta.url))
const BIN = fileURLToPath(new URL('bin/', import.meta.url))
/** Left out: FerretDB's other backend, which is near half of the build, and what only a debugger reads. */
const BUILD_FLAGS = ['-trimpath', '-tags', 'ferretdb_no_postgresql', '-ldflags', '-s -w']
/** Milliseconds for the build: about 55 s cold on two cores, and the modules may have to be fetched first. */
const BUILD_MS = 540_000

export interface FerretdbOptions {
  /** Folder of the data, kept on stop. Default: a temporary one, removed on stop. */
  dir?: string
  /** Default: a free one. */
  port?: number
}

export interface Ferretdb {
  uri: string
  port: number
  pid: number
  dir: string
  /** Ends it and removes a temporary folder; also removes that folder after `kill`. */
  stop: () => Promise<void>
  /** SIGKILL. The data stays, for a start on the same `dir` and `port`. */
  kill: () => Promise<void>
}

/** Path of the binary, built when it is missing or older than its sources. */
export async function buildFerretdb(): Promise<string> {
  const binary = join(BIN, process.platform === 'win32' ? 'ferretdb.exe' : 'ferretdb')
  if (await isFresh(binary)) return binary
  await mkdir(BIN, { recursive: true })
  // A name of its own, then a rename: two builds at once must not write one file.
  const fresh = `${binary}.${process.pid}`
  try {
    await promisify(execFile)('go', ['build', ...BUILD_FLAGS, '-o', fresh, '.'], {
      cwd: SOURCES,
      timeout: BUILD_MS,
    })
    await rename(fresh, binary)
  } catch (cause) {
    await rm(fresh, { force: true })
    throw new Error(buildFailure(cause), { cause })
  }
  return binary
}

export async function startFerretdb(options: FerretdbOptions = {}): Promise<Ferretdb> {
  const binary = await buildFerretdb()
  const data = await dataDir('ferretdb', options.dir)
  try {
    const service = await startService({
      name: 'FerretDB',
      command: binary,
      args: ['--dir', data.dir, '--addr', `127.0.0.1:${options.port ?? 0}`, '--stop-with-stdin'],
      ifMissing: `Remove ${BIN} and try again.`,
      ready: (line) => (JSON.parse(line) as { uri: string }).uri,
      endsWithStdin: true,
    })
    return {
      uri: service.ready,
      port: Number(new URL(service.ready).port),
      pid: service.pid,
      dir: data.dir,
      stop: () => service.stop().then(data.remove),
      kill: service.kill,
    }
  } catch (error) {
    await data.remove()
    throw error
  }
}

async function isFresh(binary: string): Promise<boolean> {
  const built = await stat(binary).catch(() => undefined)
  if (!built) return false
  const sources = await readdir(SOURCES)
  const times = await Promise.all(sources.map(async (name) => (await stat(join(SOURCES, name))).mtimeMs))
  return times.every((changed) => changed <= built.mtimeMs)
}

function buildFailure(cause: unknown): string {
  const { code, stderr } = cause as { code?: unknown; stderr?: string }
  if (code === 'ENOENT') return 'FerretDB cannot be built: Go is missing. Install Go 1.24 or newer.'
  return `FerretDB cannot be built. Run "go build ." in ${SOURCES}; it said:\n${stderr ?? ''}`
}
