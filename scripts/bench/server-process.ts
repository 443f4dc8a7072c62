import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Usage } from './measure.ts'

/** Ms for a server to say where it listens; through tsx on a busy machine it takes seconds. */
const READY_MS = 60_000
/** Ms between SIGTERM and SIGKILL: the relay's own longest stop, and a profile to be written. */
const STOP_MS = 20_000
/** Lines of a server's own words that are kept: the last ones say why it failed. */
const KEPT_LINES = 40

const PROBE = new URL('usage-probe.mjs', import.meta.url).href

export interface ServerOptions {
  readonly name: string
  /** Of node, before the script. */
  readonly nodeArgs?: readonly string[]
  /** False where the start is measured, of which the probe takes a part: then there is no `usage`. */
  readonly isProbed?: boolean
  readonly script: string
  readonly args?: readonly string[]
  /** Called with each line of its stderr. */
  readonly onLine?: (line: string) => void
}

/** A server under measurement: a process of its own with the usage probe in it. */
export interface ServerProcess {
  readonly name: string
  readonly pid: number
  /** The first line of stdout, parsed. */
  readonly said: Readonly<Record<string, string>>
  /** The last lines of stderr. */
  readonly complaints: readonly string[]
  usage(options?: { gc?: boolean; reset?: boolean }): Promise<Usage>
  stop(): Promise<void>
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>
}

export async function startServer({
  name,
  nodeArgs = [],
  isProbed = true,
  script,
  args = [],
  onLine,
}: ServerOptions): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [...(isProbed ? ['--expose-gc', '--import', PROBE] : []), ...nodeArgs, script, ...args],
    // A group of its own: Ctrl-C is for the bench, which ends its servers itself.
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
  )
  const killNow = (): void => void child.kill('SIGKILL')
  process.once('exit', killNow)
  child.once('exit', () => process.off('exit', killNow))
  const complaints: string[] = []
  createInterface({ input: child.stderr as Readable }).on('line', (line) => {
    complaints.push(line)
    onLine?.(line)
    if (complaints.length > KEPT_LINES) complaints.shift()
  })
  const first = await firstLine(name, child, complaints).catch((error: unknown) => {
    killNow()
    throw error
  })
  let questions = 0
  return {
    name,
    pid: child.pid as number,
    said: JSON.parse(first) as Record<string, string>,
    complaints,
    usage: ({ gc = false, reset = false } = {}) =>
      new Promise((resolve, reject) => {
        const id = ++questions
        const answered = (answer: Usage & { id: number }): void => {
          if (answer.id !== id) return
          child.off('message', answered)
          child.off('exit', ended)
          resolve(answer)
        }
        const ended = (): void => reject(new Error(`${name} has ended. It said:\n${complaints.join('\n')}`))
        child.on('message', answered)
        child.once('exit', ended)
        child.send({ id, gc, reset }, (error) => error && reject(error))
      }),
    stop: () => end(child),
    async kill() {
      const exited = once(child, 'exit')
      killNow()
      await exited
    },
  }
}

function firstLine(name: string, child: ChildProcess, complaints: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Error(`${name} ${why}. It said:\n${complaints.join('\n')}`))
    const timer = setTimeout(() => fail(`was not ready after ${READY_MS} ms`), READY_MS)
    createInterface({ input: child.stdout as Readable }).once('line', (line) => {
      clearTimeout(timer)
      resolve(line)
    })
    child.once('error', (error) => fail(`cannot be started: ${error.message}`))
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      fail(`ended (${signal ?? code})`)
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(timer)
}
