import { join } from 'node:path'
import { Child } from './child.ts'
import type { Pace } from './script.ts'

/** What a drone process is told, in its environment. */
export interface DroneOrders {
  readonly url: string
  readonly token: string
  readonly droneId: string
  readonly stateDir: string
  readonly journalDir: string
  readonly seed: string
  readonly pace: Pace
  readonly capacity: number
}

export interface DroneReport {
  readonly is: 'begun' | 'up' | 'down' | 'acknowledged' | 'final'
  readonly at: number
  readonly why?: string
}

/** What happened to a drone, for whoever asks whether an attempt was lost for a reason. */
export interface Mark {
  readonly at: number
  readonly is: 'up' | 'down' | 'killed' | 'stopped' | 'continued' | 'link fault' | 'link healed'
}

export interface DroneHostOptions {
  readonly folder: string
  readonly orders: DroneOrders
  readonly onReport: (droneId: string, report: DroneReport) => void
  readonly onDied: (droneId: string, how: string) => void
}

/** A drone's process: killed and started again on the same state folder, or frozen for a while. */
export class DroneHost {
  readonly #options: DroneHostOptions
  readonly marks: Mark[] = []
  #child: Child | undefined
  #expectsEnd = false
  /** A fault is under way: no other is added to it. */
  busy = false

  constructor(options: DroneHostOptions) {
    this.#options = options
  }

  get droneId(): string {
    return this.#options.orders.droneId
  }

  start(): void {
    const { folder, orders, onReport, onDied } = this.#options
    this.#expectsEnd = false
    const child: Child = new Child({
      script: 'drone.ts',
      env: { CHAOS_DRONE: JSON.stringify(orders) },
      logPath: join(folder, `${orders.droneId}.log`),
      onReport: (report: DroneReport) => {
        if (report.is === 'up' || report.is === 'down') this.mark(report.is, report.at)
        onReport(orders.droneId, report)
      },
      onExit: (how) => {
        if (this.#child === child && !this.#expectsEnd) onDied(orders.droneId, how)
      },
    })
    this.#child = child
  }

  mark(is: Mark['is'], at = Date.now()): void {
    this.marks.push({ is, at })
  }

  async kill(): Promise<void> {
    this.#expectsEnd = true
    this.mark('killed')
    await this.#child?.kill()
  }

  stop(): void {
    this.mark('stopped')
    this.#child?.signal('SIGSTOP')
  }

  continue(): void {
    this.#child?.signal('SIGCONT')
    this.mark('continued')
  }
}
