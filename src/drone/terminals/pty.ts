import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type * as nodePty from '@lydell/node-pty'
import { EndMark } from './end-mark.ts'

export interface PtyOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cols: number
  readonly rows: number
}

export interface PtyExit {
  /** Null where a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
}

export interface PtyListener {
  onBytes(bytes: Buffer): void
  /** Everything was heard. */
  onExit(exit: PtyExit): void
}

/** A program and the terminal that it runs in. */
export interface Pty {
  /** False where there are only pipes: the program sees no terminal, cannot be resized, and buffers as it does for files. */
  readonly isTerminal: boolean
  /** What somebody types: nothing where there are only pipes. */
  write(bytes: Uint8Array): void
  resize(cols: number, rows: number): void
  /** Its program has to wait as soon as it has filled what is between us. */
  setReading(reading: boolean): void
  kill(signal: NodeJS.Signals): void
}

/** ms that the last words of a program may take after it has gone: something else may hold its terminal open. */
const LAST_WORDS_MS = 1000

/** Rejects where the program cannot be started. In a pseudo terminal where the platform has one for us, else on pipes. */
export async function openPty(options: PtyOptions, listener: PtyListener): Promise<Pty> {
  const library = await ptyLibrary()
  return library ? openTerminal(library, options, listener) : openPipes(options, listener)
}

type PtyLibrary = typeof nodePty

let library: Promise<PtyLibrary | undefined> | undefined

/** Optional: there are platforms without it. */
function ptyLibrary(): Promise<PtyLibrary | undefined> {
  library ??= import('@lydell/node-pty').catch(() => undefined)
  return library
}

function openTerminal(
  { spawn: spawnPty }: PtyLibrary,
  { command, args, cwd, env, cols, rows }: PtyOptions,
  listener: PtyListener,
): Pty {
  const mark = new EndMark()
  const wrapped = process.platform === 'win32' ? { command, args: [...args] } : mark.wrap(command, args)
  const program = spawnPty(wrapped.command, wrapped.args, {
    name: 'xterm-256color',
    cols,
    rows,
    cwd,
    env,
    // As they come: a character may be cut in two.
    encoding: null,
  })
  let hasExited = false
  const exited = (exit: PtyExit): void => {
    if (hasExited) return
    hasExited = true
    listener.onExit(exit)
  }
  program.onData((data: unknown) => {
    if (hasExited) return
    const { bytes, status } = mark.take(Buffer.from(data as Uint8Array))
    if (bytes.length > 0) listener.onBytes(bytes)
    if (status === undefined) return
    // Whoever else holds the terminal is told by the hang-up.
    kill(program.pid, 'SIGKILL')
    exited(exitOf(status))
  })
  // It went with its shell: it was killed, or the terminal was.
  program.onExit(({ exitCode, signal }) => {
    const rest = mark.rest()
    if (!hasExited && rest.length > 0) listener.onBytes(rest)
    exited(
      signal === undefined || signal === 0
        ? exitOf(exitCode)
        : { exitCode: null, signal: signalName(signal) },
    )
  })
  return {
    isTerminal: true,
    write: (bytes) => {
      // Bytes as they are typed; its types know only text.
      if (!hasExited) program.write(Buffer.from(bytes) as unknown as string)
    },
    resize: (newCols, newRows) => {
      if (!hasExited) program.resize(newCols, newRows)
    },
    setReading: (reading) => {
      if (reading) program.resume()
      else if (!hasExited) program.pause()
    },
    kill: (signal) => {
      if (!hasExited) killGroup(program.pid, signal)
    },
  }
}

/** As a shell says it: over 128 it is the number of a signal. */
function exitOf(status: number): PtyExit {
  const signal = status > 128 ? signalNamed(status - 128) : undefined
  return signal === undefined ? { exitCode: status, signal: null } : { exitCode: null, signal }
}

/** Where there is no terminal to be had. */
export function openPipes({ command, args, cwd, env }: PtyOptions, listener: PtyListener): Promise<Pty> {
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  child.stdout.on('data', (bytes: Buffer) => listener.onBytes(bytes))
  child.stderr.on('data', (bytes: Buffer) => listener.onBytes(bytes))
  child.once('exit', () => {
    const closing = setTimeout(() => {
      child.stdout.destroy()
      child.stderr.destroy()
    }, LAST_WORDS_MS)
    child.once('close', () => clearTimeout(closing))
  })
  child.once('close', (exitCode, signal) => listener.onExit({ exitCode, signal }))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () =>
      resolve({
        isTerminal: false,
        write: () => undefined,
        resize: () => undefined,
        setReading: (reading) => {
          for (const stream of [child.stdout, child.stderr]) {
            if (reading) stream.resume()
            else stream.pause()
          }
        },
        kill: (signal) => {
          if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
            killGroup(child.pid, signal)
        },
      }),
    )
  })
}

/** With all that it has started and that has not gone into a group of its own. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  kill(process.platform === 'win32' ? pid : -pid, signal)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone, which is what was wanted.
  }
}

function signalName(number: number): string {
  return signalNamed(number) ?? `signal ${number}`
}

function signalNamed(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}
