import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** How long a killed process may take to be gone. */
const GONE_MS = 10_000

export interface ChildOptions<Report> {
  /** Beside this file. */
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  /** What it writes goes to the end of this file. */
  readonly logPath: string
  readonly onReport: (report: Report) => void
  readonly onExit: (how: string) => void
}

/** A process of ours: it is ended by its id alone, and with us. */
export class Child {
  readonly #process: ChildProcess
  #gone = false

  constructor(options: ChildOptions<never>) {
    const { script, env, logPath, onReport, onExit } = options
    const log = openSync(logPath, 'a')
    this.#process = fork(fileURLToPath(new URL(script, import.meta.url)), [], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log, 'ipc'],
      // A group of its own: Ctrl-C is for the harness, which ends its processes itself.
      detached: true,
    })
    closeSync(log)
    const killNow = (): void => this.signal('SIGKILL')
    process.once('exit', killNow)
    this.#process.on('message', (report) => onReport(report as never))
    this.#process.on('error', () => undefined)
    this.#process.once('exit', (code, signal) => {
      this.#gone = true
      process.off('exit', killNow)
      onExit(signal ?? `exit code ${code}`)
    })
  }

  get gone(): boolean {
    return this.#gone
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#gone) this.#process.kill(signal)
  }

  send(message: object): void {
    if (!this.#gone && this.#process.connected) this.#process.send(message, () => undefined)
  }

  /** Stands still: it was sent SIGSTOP, or sent it to itself. */
  get isStopped(): boolean {
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
    } catch {
      return false
    }
  }

  /** Resolves when the process is gone; false where it is not within `withinMs`. */
  async whenGone(withinMs = GONE_MS): Promise<boolean> {
    if (this.#gone) return true
    const signal = AbortSignal.timeout(withinMs)
    await once(this.#process, 'exit', { signal }).catch(() => undefined)
    return this.#gone
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    if (!(await this.whenGone())) throw new Error(`process ${this.pid} does not end`)
  }
}
