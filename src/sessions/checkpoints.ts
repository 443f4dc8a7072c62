import type { LaneHead } from '../protocol/position.ts'
import type { Clock } from '../turns/clock.ts'
import type { Rounds } from './rounds.ts'

/**
 * Ms between two rounds of checkpoints to a drone that goes on speaking. Each costs the relay about what an entry does,
 * and a later one says all that an earlier one did. A drone's window lasts for longer at any rate that agents speak at.
 */
const PACE_MS = 90
/** Rounds that need not keep that pace after a pause: who speaks now and then is told at once. */
const AT_ONCE = 3

interface Head extends LaneHead {
  readonly turnId: string
  readonly attempt: number
}

interface CheckpointsOptions {
  readonly clock: Clock
  readonly rounds: Rounds
  readonly send: (head: Head) => void
}

/** [DR13] Tells one drone what is stored: at once where it was told little lately, else soon and together. */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  /** The latest head of each lane that was not told, by turn. */
  readonly #untold = new Map<string, { readonly attempt: number; readonly lanes: Map<string, number> }>()
  /** Ticks up to which what was told is within the pace. */
  #pacedTo = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(options: CheckpointsOptions) {
    this.#options = options
  }

  stored(turnId: string, attempt: number, heads: readonly LaneHead[]): void {
    let turn = this.#untold.get(turnId)
    if (turn?.attempt !== attempt) {
      turn = { attempt, lanes: new Map() }
      this.#untold.set(turnId, turn)
    }
    for (const { lane, offset } of heads) turn.lanes.set(lane, offset)
    if (this.#cancel) return
    const { clock, rounds } = this.#options
    const waitMs = this.#pacedTo - PACE_MS * (AT_ONCE - 1) - clock.ticks()
    if (waitMs <= 0) this.tell()
    else this.#cancel = clock.after(waitMs, () => rounds.join(() => this.tell()))
  }

  /** Nothing more waits. */
  tell(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#pacedTo = Math.max(this.#pacedTo, this.#options.clock.ticks()) + PACE_MS
    for (const [turnId, { attempt, lanes }] of this.#untold) {
      for (const [lane, offset] of lanes) this.#options.send({ turnId, attempt, lane, offset })
    }
    this.#untold.clear()
  }

  /** The drone is gone. */
  close(): void {
    this.#cancel?.()
    this.#untold.clear()
  }
}
