import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.ts'
import type { Arming, Point } from './failpoints.ts'

/** How long a relay may take until it takes work; with a store that is away it takes as long as that does. */
const READY_MS = 60_000
/** How long a relay that is to be replaced may take to come to a commit. */
const REPLACED_MS = 4000
/** What a clean stop may take: STOP_MS and something. */
const STOP_MS = 13_000
/** Below the ports that connections come from: one of those could connect to itself while the relay is away. */
const FIRST_PORT = 18_000
const PORTS = 12_000

export interface RelayReport {
  readonly is: 'listening' | 'ready'
  readonly at: number
}

export interface Kill {
  /** The failpoint it killed itself at; undefined for a kill from outside. */
  readonly point: Point | undefined
  /** It had not taken work yet. */
  readonly isEarly: boolean
  /** Units that it had taken and not stored. */
  readonly unflushed: number
}

export interface RelayHostOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly onListening: (at: number) => void
  /** It ended, and nobody had asked it to. */
  readonly onDied: (how: string) => void
}

/** The relay's process: killed, frozen and started again on the same port and the same data. */
export class RelayHost {
  readonly #options: RelayHostOptions
  readonly ports: readonly [number, number]
  readonly kills: Kill[] = []
  #slot = 0
  #child: Child | undefined
  #ready: Promise<void> = Promise.resolve()
  #expectsEnd = false

  private constructor(options: RelayHostOptions, ports: readonly [number, number]) {
    this.#options = options
    this.ports = ports
  }

  static async open(options: RelayHostOptions): Promise<RelayHost> {
    const host = new RelayHost(options, [await freePort(), await freePort()])
    await host.start()
    return host
  }

  /** Where the relay in charge is. */
  get port(): number {
    return this.ports[this.#slot] as number
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Resolves once it takes work. */
  start(): Promise<void> {
    this.#expectsEnd = false
    this.#ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the relay did not become ready')), READY_MS)
      const child: Child = new Child({
        script: 'relay.ts',
        env: { ...this.#options.env, PORT: String(this.port), CHAOS_GAUGE: this.#gaugePath },
        logPath: join(this.#options.folder, 'relay.log'),
        onReport: ({ is, at }: RelayReport) => {
          if (is === 'listening') this.#options.onListening(at)
          else {
            clearTimeout(timer)
            resolve()
          }
        },
        onExit: (how) => {
          clearTimeout(timer)
          // Who waits for a relay that was killed meanwhile waits for the next one.
          resolve()
          if (this.#child === child && !this.#expectsEnd) this.#options.onDied(how)
        },
      })
      this.#child = child
    })
    return this.#ready
  }

  async kill(isEarly = false): Promise<void> {
    this.#expectsEnd = true
    await this.#child?.kill()
    this.#noteKill({ point: undefined, isEarly })
  }

  /** Has it kill itself at a failpoint; from outside where it does not come there in time: nobody may be speaking. */
  async killAt(point: Point, hits: number, withinMs: number): Promise<void> {
    this.#expectsEnd = true
    this.#child?.send({ arm: point, hits, does: 'SIGKILL' } satisfies Arming)
    if (await this.#child?.whenGone(withinMs)) this.#noteKill({ point, isEarly: false })
    else await this.kill()
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.signal(signal)
  }

  /** A clean stop; false where it had to be killed. */
  async stop(): Promise<boolean> {
    this.#expectsEnd = true
    this.#child?.signal('SIGTERM')
    if (await this.#child?.whenGone(STOP_MS)) return true
    await this.#child?.kill()
    return false
  }

  /**
   * The relay in charge freezes with a commit in its hand, another one takes its place, and then the first wakes up: it
   * has to find that its turns are not its own any more. False where it did not come to a commit.
   */
  async usurp(moveOver: () => void, frozenMs: number, lateMs: number): Promise<boolean> {
    const old = this.#child
    if (!old) return false
    old.send({ arm: 'commit:before', hits: 3, does: 'SIGSTOP' } satisfies Arming)
    const until = performance.now() + REPLACED_MS
    while (!old.isStopped && performance.now() < until) await sleep(10)
    old.signal('SIGSTOP')
    this.#slot = 1 - this.#slot
    const started = this.start()
    moveOver()
    await started
    await sleep(frozenMs)
    old.signal('SIGCONT')
    await sleep(lateMs)
    await old.kill()
    return true
  }

  get #gaugePath(): string {
    return join(this.#options.folder, `gauge-${this.#slot}`)
  }

  #noteKill(kill: Pick<Kill, 'point' | 'isEarly'>): void {
    this.kills.push({ ...kill, unflushed: Number(readFileSync(this.#gaugePath, 'utf8')) })
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
