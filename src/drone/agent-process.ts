import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Logger } from './logger.ts'
import { TextTail } from './text-tail.ts'

/** Milliseconds an agent gets after its stdin has closed, and again after SIGTERM, to save what it wants to keep. */
const STOP_MS = 2_000
/** Milliseconds between looks at an ended agent's output that something else still holds open. */
const DRAIN_MS = 2_000

export interface AgentProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment of the agent; the drone's own when absent. */
  readonly env?: NodeJS.ProcessEnv
  readonly logger: Logger
}

/** The agent as a process of its own group, so that what it started ends with it. */
export class AgentProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves with the reason, in words, when the process is gone and its output has been read. */
  readonly ended: Promise<string>
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #errors = new TextTail()
  /** Resolves when the process is gone, though its last words may still be unread. */
  readonly #gone: Promise<unknown>
  #endedBy: string | undefined
  #exited = false

  constructor(options: AgentProcessOptions) {
    const { command, args, cwd, env, logger } = options
    const detached = process.platform !== 'win32'
    this.#child = spawn(command, args, {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached,
      ...(env ? { env } : {}),
    })
    this.stdin = this.#child.stdin
    this.stdout = this.#child.stdout
    // A write to an agent that is gone is told by its end.
    this.stdin.on('error', () => {})
    // An agent that cannot be started is told by its end, too.
    this.#child.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of this.#errors.add(text)) logger.debug(`agent: ${line}`)
    })
    const killNow = () => this.#signal('SIGKILL')
    process.once('exit', killNow)
    this.#child.once('exit', () => {
      killNow()
      this.#exited = true
      this.#drain()
    })
    this.ended = this.#whenEnded(options).finally(() => process.off('exit', killNow))
    this.#gone = Promise.race([this.ended, new Promise((resolve) => this.#child.once('exit', resolve))])
  }

  /** Ends the process in order; kills it if it does not end. */
  async stop(why: string): Promise<void> {
    this.stdin.end()
    const gone = this.#gone.then(() => true)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await Promise.race([gone, after(STOP_MS)])) return
      this.#end(signal, why)
    }
    await gone
  }

  kill(why: string): void {
    this.#end('SIGKILL', why)
  }

  async #whenEnded({ command, cwd }: AgentProcessOptions): Promise<string> {
    try {
      if (this.#child.pid === undefined) throw (await once(this.#child, 'error'))[0]
      const [code, signal] = (await once(this.#child, 'close')) as [number | null, string | null]
      const how = this.#endedBy
        ? `was ended: ${this.#endedBy}`
        : `ended with ${signal ?? `exit code ${code}`}`
      return `the agent process (${command}) ${how}; ${this.#errors.quote()}`
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return (
        `the agent command "${command}" cannot be started (${why}). Check that it is installed and in the PATH ` +
        `of the drone, that ${cwd} exists, and what --agent says`
      )
    }
  }

  /** A grandchild in a group of its own may hold the pipes open; what is in them is still read. */
  #drain(): void {
    const timer = setInterval(() => {
      if (this.stdout.readableLength > 0) return
      this.stdout.destroy()
      this.#child.stderr.destroy()
    }, DRAIN_MS)
    void this.ended.finally(() => clearInterval(timer))
  }

  #end(signal: NodeJS.Signals, why: string): void {
    if (this.#exited) return
    this.#endedBy ??= why
    this.#signal(signal)
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    // A group's number may be somebody else's once its first process is gone.
    if (pid === undefined || this.#exited) return
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, signal)
    } catch {
      // The group is gone, which is what was wanted.
    }
  }
}

function after(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms).unref())
}
