import { startFerretdb } from '../services/ferretdb.ts'
import type { Ferretdb } from '../services/ferretdb.ts'
import { FaultProxy } from './fault-proxy.ts'

/** How often it is looked after: a server that ended by itself is started again, and counted. */
const LOOK_MS = 500

/** A MongoDB-compatible server behind a link of its own: killed, frozen, and started again on the same data. */
export class Database {
  readonly link: FaultProxy
  readonly #port: number
  #ferretdb: Ferretdb
  readonly #watch: ReturnType<typeof setInterval>
  #isAway = false
  /** Times that it ended by itself: it is not what is on trial here. */
  deaths = 0

  private constructor(ferretdb: Ferretdb, link: FaultProxy) {
    this.#ferretdb = ferretdb
    this.#port = ferretdb.port
    this.link = link
    this.#watch = setInterval(() => this.#lookAfter(), LOOK_MS)
  }

  static async open(dir: string): Promise<Database> {
    const ferretdb = await startFerretdb({ dir })
    return new Database(ferretdb, await FaultProxy.open(() => ferretdb.port))
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${this.link.port}/`
  }

  async kill(): Promise<void> {
    this.#isAway = true
    await this.#ferretdb.kill()
  }

  async start(): Promise<void> {
    this.#ferretdb = await startFerretdb({ dir: this.#ferretdb.dir, port: this.#port })
    this.#isAway = false
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (!this.#isAway) process.kill(this.#ferretdb.pid, signal)
  }

  async close(): Promise<void> {
    this.#isAway = true
    clearInterval(this.#watch)
    await this.#ferretdb.kill()
    await this.link.close()
  }

  #lookAfter(): void {
    if (this.#isAway || isAlive(this.#ferretdb.pid)) return
    this.#isAway = true
    this.deaths += 1
    this.start().catch(() => (this.#isAway = false))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
