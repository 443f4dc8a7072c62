import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** How long a line may take to come before the test says that it did not. */
const WITHIN_MS = 30_000
/** What a process wrote last is kept for the message of a failure. */
const KEPT_LINES = 40

interface SpawnOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Beside that of the test itself, unless it is the whole. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly isWholeEnv?: boolean
  readonly cwd?: string
  /** It starts others, as npm does: all of them get the signal, as they do from a terminal. */
  readonly isGroup?: boolean
}

/** A terminal or a CI around the tests (`CI`, `FORCE_COLOR`) is not to colour what they read. */
const PLAIN = { NO_COLOR: '1', FORCE_COLOR: undefined }

/** A process of a test that speaks in lines: it is waited for by what it says, and ended by its id. */
export class LineProcess {
  readonly child: ChildProcess
  readonly lines: string[] = []
  readonly errors: string[] = []
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #checks = new Set<() => void>()
  readonly #isGroup: boolean

  constructor({ command, args, env, cwd, isWholeEnv = false, isGroup = false }: SpawnOptions) {
    this.#isGroup = isGroup
    this.child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...(isWholeEnv ? {} : { ...process.env, ...PLAIN }), ...env },
      detached: isGroup,
      ...(cwd === undefined ? {} : { cwd }),
    })
    // `close` and not `exit`: what it wrote last is read by then.
    this.exited = once(this.child, 'close').then(([code, signal]: unknown[]) => {
      this.#check()
      return { code: code as number | null, signal: signal as NodeJS.Signals | null }
    })
    this.#collect(this.child.stdout, this.lines)
    this.#collect(this.child.stderr, this.errors)
  }

  /** The lines of standard output that are JSON objects. */
  json(): Record<string, unknown>[] {
    return this.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** Resolves with the first truthy answer of `fact`, asked now and after every line. */
  until<Fact>(what: string, fact: () => Fact | undefined | false): Promise<Fact> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer)
        this.#checks.delete(check)
        const said = [...this.lines.slice(-KEPT_LINES), ...this.errors.slice(-KEPT_LINES)].join('\n')
        reject(new Error(`${why} for ${what}; the process said:\n${said}`))
      }
      const timer = setTimeout(() => fail('waited in vain'), WITHIN_MS)
      const check = (): void => {
        const found = fact()
        if (found !== undefined && found !== false) {
          clearTimeout(timer)
          this.#checks.delete(check)
          resolve(found)
        } else if (this.child.exitCode !== null)
          fail(`exited with ${this.child.exitCode} before it could be waited`)
      }
      this.#checks.add(check)
      check()
    })
  }

  /** The first JSON line with these fields. */
  event(fields: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    return this.until(JSON.stringify(fields), () =>
      this.json().find((line) => Object.entries(fields).every(([key, value]) => line[key] === value)),
    )
  }

  async end(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.#signal(signal)
    return this.exited
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.child
    if (this.#isGroup && pid !== undefined) process.kill(-pid, signal)
    else this.child.kill(signal)
  }

  #collect(stream: NodeJS.ReadableStream | null, into: string[]): void {
    if (!stream) return
    createInterface({ input: stream }).on('line', (line) => {
      into.push(line)
      this.#check()
    })
  }

  #check(): void {
    for (const check of this.#checks) check()
  }
}
