import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Milliseconds for a git command that only looks, and bytes of its output. */
const GIT_MS = 5_000
const GIT_BYTES = 20 * 1024

const run = promisify(execFile)

/** A repository's own settings may name programs to run: none is run, and no lock is taken. */
const HARMLESS = [
  '--no-optional-locks',
  '--no-pager',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'log.showSignature=false',
]

export const GIT_LOOKS = {
  status: ['status', '--short', '--branch'],
  log: ['log', '--oneline', '-n', '5'],
} as const

/** The output of a git command that changes nothing; undefined where there is no repository or no git. */
export async function gitLook(
  cwd: string,
  look: keyof typeof GIT_LOOKS,
  signal: AbortSignal,
): Promise<string | undefined> {
  const options = { cwd, timeout: GIT_MS, maxBuffer: GIT_BYTES, signal }
  const { stdout } = await run('git', [...HARMLESS, ...GIT_LOOKS[look]], options).catch(() => ({
    stdout: undefined,
  }))
  return stdout?.trimEnd()
}
