import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startServer } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BUILT = join(ROOT, 'dist/bin/drone-relay.js')
const BUILT_APART = join(ROOT, 'dist/src/main.js')
/** Ms for the build of what has changed. */
const BUILD_MS = 120_000

export interface RelayProcess {
  readonly server: ServerProcess
  readonly url: string
  readonly keys: { readonly drone: string; readonly code: string; readonly ops: string }
  /** Built JavaScript, or the sources through tsx: the second costs memory that is not the relay's. */
  readonly ranAs: 'built' | 'tsx'
}

export interface RelayProcessOptions {
  readonly dataDir: string
  readonly mongodbUri?: string | undefined
  /** Folder of a CPU profile, written when the relay ends. */
  readonly cpuProfDir?: string | undefined
  /** Default: a free one. */
  readonly port?: number
  /** More of `serve`, and of node. */
  readonly flags?: readonly string[]
  readonly nodeArgs?: readonly string[]
  /** Its libraries are files of their own, where a probe finds them: as built, and not as it is shipped. */
  readonly isApart?: boolean
  readonly isProbed?: boolean
  /** Called with each line of its log. */
  readonly onLine?: (line: string) => void
}

/** One look a run: a relay that is started again must be the one that was stopped. */
let built: Promise<boolean> | undefined

export async function startRelay({
  dataDir,
  mongodbUri,
  cpuProfDir,
  port = 0,
  flags = [],
  nodeArgs = [],
  isApart = false,
  isProbed = true,
  onLine,
}: RelayProcessOptions): Promise<RelayProcess> {
  built ??= build()
  const isBuilt = await built
  const profile = cpuProfDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', cpuProfDir]
  const server = await startServer({
    name: 'the relay',
    isProbed,
    nodeArgs: [...profile, ...nodeArgs, ...(isBuilt ? [] : ['--import', import.meta.resolve('tsx')])],
    script: isBuilt ? (isApart ? BUILT_APART : BUILT) : join(ROOT, 'src/main.ts'),
    args: [
      'serve',
      '--host=127.0.0.1',
      `--port=${port}`,
      '--json',
      '--log-level=warn',
      `--data-dir=${dataDir}`,
      // Empty means not set: a MONGODB_URI of the environment must not decide which store is measured.
      `--mongodb-uri=${mongodbUri ?? ''}`,
      ...flags,
    ],
    ...(onLine ? { onLine } : {}),
  })
  const { url, keys } = server.said
  if (url === undefined || keys === undefined) throw new Error('the relay did not say where it listens')
  const { drone, code, ops } = JSON.parse(await readFile(keys, 'utf8')) as RelayProcess['keys']
  return { server, url, keys: { drone, code, ops }, ranAs: isBuilt ? 'built' : 'tsx' }
}

/** True where `dist` is what the sources say; sources that do not compile are run through tsx. */
async function build(): Promise<boolean> {
  if (await isFresh()) return true
  try {
    await promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT, timeout: BUILD_MS })
    return existsSync(BUILT)
  } catch {
    return false
  }
}

async function isFresh(): Promise<boolean> {
  const built = await stat(BUILT).catch(() => undefined)
  if (!built) return false
  for (const folder of ['src', 'models']) {
    for (const entry of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.name.endsWith('.ts')) continue
      const source = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
      if (!source || source.mtimeMs > built.mtimeMs) return false
    }
  }
  return true
}
