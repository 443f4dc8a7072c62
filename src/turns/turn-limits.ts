import type { Clock } from './clock.ts'
import { phaseOf } from './lifecycle.ts'
import type { LiveTurns } from './live-turns.ts'
import type { Permissions } from './permissions.ts'
import type { Turn } from './turn.ts'
import type { WorkOrders } from './work-orders.ts'

/** How often the turns are looked through: what passes a limit meanwhile is bounded by what a drone may say unstored. */
const LOOK_MS = 1000

export interface TurnLimitsOptions {
  readonly turns: Pick<LiveTurns, 'all'>
  readonly orders: Pick<WorkOrders, 'apply'>
  readonly permissions: Pick<Permissions, 'isOpen'>
  readonly clock: Clock
  /** Without a word of its drone. */
  readonly idleMs: number
  /** Of one attempt. */
  readonly wallMs: number
  readonly turnBytes: number
  readonly turnBlocks: number
}

/** Ends what would never end: a drone that stays silent, and one that never stops. */
export class TurnLimits {
  readonly #options: TurnLimitsOptions
  readonly #everyMs: number
  #cancel: (() => void) | undefined

  constructor(options: TurnLimitsOptions) {
    this.#options = options
    this.#everyMs = Math.min(LOOK_MS, options.idleMs, options.wallMs)
  }

  start(): void {
    this.#cancel = this.#options.clock.after(this.#everyMs, () => {
      for (const turn of this.#options.turns.all()) this.#look(turn)
      this.start()
    })
  }

  close(): void {
    this.#cancel?.()
  }

  #look(turn: Turn): void {
    const phase = phaseOf(turn.state)
    if (phase !== 'working' && phase !== 'offered') return
    // Its drone is silent because people are.
    if (this.#options.permissions.isOpen(turn.turnId)) turn.heardAt = this.#options.clock.ticks()
    const reason = this.#exceeded(turn)
    if (reason !== undefined) this.#options.orders.apply(turn, { type: 'exceeded', reason })
  }

  #exceeded({ heardAt, begunAt, size }: Turn): string | undefined {
    const { clock, idleMs, wallMs, turnBytes, turnBlocks } = this.#options
    const now = clock.ticks()
    if (now - heardAt >= idleMs) return `Limit: the drone has said nothing for ${seconds(idleMs)} (IDLE_MS).`
    if (now - begunAt >= wallMs) return `Limit: an attempt may take ${seconds(wallMs)} (WALL_MS).`
    if (size.bytes > turnBytes) return `Limit: a turn may have ${turnBytes} bytes (TURN_BYTES).`
    if (size.blocks > turnBlocks) return `Limit: a turn may have ${turnBlocks} blocks (TURN_BLOCKS).`
    return undefined
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
