import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dataDir } from './data-dir.ts'
import { startService } from './service.ts'

const SOURCES = fileURLToPath(new URL('ferretdb/', import.meta.url))
const BIN = fileURLToPath(new URL('bin/', import.meta.url))
/** Left out: FerretDB's other backend, which is near half of the build, and what only a debugger reads. */
const BUILD_FLAGS = ['-trimpath', '-tags', 'ferretdb_no_postgresql', '-ldflags', '-s -w']
const FERRETDB = 'github.com/FerretDB/FerretDB'
/** What is written otherwise in FerretDB's own files. */
const PATCHES = [
  {
    // `patch/condition.go` says why. The first such block is that of queries; the other only explains them.
    file: 'internal/backends/sqlite/collection.go',
    from: /if params\.Filter\.Len\(\) == 1 \{[\s\S]*?\n\t\}/,
    to: 'whereClause, args = condition(params.Filter)',
  },
  {
    // It leaves the query of an update open while it writes, and those of a bulk write until the last is done. SQLite
    // cannot shorten its log while anything is read, and copies all of it at every commit; and there are a hundred
    // connections: the hundred and first update waits for the others, for ever.
    file: 'internal/handler/common/update.go',
    from: /(result := new\(UpdateResult\)\n)/,
    to: `$1
	found, err := iterator.ConsumeValues(iter)
	if err != nil {
		return nil, lazyerrors.Error(err)
	}

	iter.Close()
	iter = iterator.Values(iterator.ForSlice(found))
	defer iter.Close()
`,
  },
] as const
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
  const sources = `${fresh}.sources`
  try {
    const mod = await copyFerretdb(sources)
    await go(['build', ...BUILD_FLAGS, '-modfile', mod, '-o', fresh, '.'])
    await rename(fresh, binary)
  } catch (cause) {
    throw new Error(buildFailure(cause), { cause })
  } finally {
    await rm(fresh, { force: true })
    await rm(sources, { recursive: true, force: true })
  }
  return binary
}

async function go(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('go', args, { cwd: SOURCES, timeout: BUILD_MS })
  return stdout.trim()
}

/**
 * Its sources as patched, and the path of a go.mod that builds with them. The rest of FerretDB is as its authors wrote
 * it.
 */
async function copyFerretdb(folder: string): Promise<string> {
  await go(['mod', 'download', FERRETDB])
  await rm(folder, { recursive: true, force: true })
  const copy = join(folder, 'ferretdb')
  await cp(await go(['list', '-m', '-f', '{{.Dir}}', FERRETDB]), copy, { recursive: true })
  await promisify(execFile)('chmod', ['-R', 'u+w', folder])
  for (const { file, from, to } of PATCHES) {
    const source = await readFile(join(copy, file), 'utf8')
    const patched = source.replace(from, to)
    if (patched === source) throw new Error(`This version of FerretDB has another ${file}.`)
    await writeFile(join(copy, file), patched)
  }
  await cp(join(SOURCES, 'patch', 'condition.go'), join(copy, 'internal/backends/sqlite/condition.go'))
  const mod = join(folder, 'go.mod')
  const lines = await readFile(join(SOURCES, 'go.mod'), 'utf8')
  await writeFile(mod, `${lines}\nreplace ${FERRETDB} => ${copy}\n`)
  await cp(join(SOURCES, 'go.sum'), join(folder, 'go.sum'))
  return mod
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
  const sources = [...(await readdir(SOURCES)), 'patch/condition.go', '../ferretdb.ts']
  const times = await Promise.all(sources.map(async (name) => (await stat(join(SOURCES, name))).mtimeMs))
  return times.every((changed) => changed <= built.mtimeMs)
}

function buildFailure(cause: unknown): string {
  const { code, stderr } = cause as { code?: unknown; stderr?: string }
  if (code === 'ENOENT') return 'FerretDB cannot be built: Go is missing. Install Go 1.24 or newer.'
  return `FerretDB cannot be built. Run "go build ." in ${SOURCES}; it said:\n${stderr ?? ''}`
}
