import type { LaneHead } from '../protocol/position.ts'
import type { Clock } from '../turns/clock.ts'

/**
 * Ms between two rounds of checkpoints to one drone. Each costs the relay about what an entry does, and a later one says
 * all that an earlier one did. A drone's window lasts for longer at any rate that an agent speaks at.
 */
const PACE_MS = 50

interface Head extends LaneHead {
  readonly turnId: string
  readonly attempt: number
}

interface CheckpointsOptions {
  readonly clock: Clock
  readonly send: (head: Head) => void
}

/** [DR13] Tells one drone what is stored: at once where it was told nothing for a while, else soon and together. */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  /** The latest head of each lane that was not told, by turn. */
  readonly #untold = new Map<string, { readonly attempt: number; readonly lanes: Map<string, number> }>()
  #toldAt = Number.NEGATIVE_INFINITY
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
    const { clock } = this.#options
    const waitMs = this.#toldAt + PACE_MS - clock.ticks()
    if (waitMs <= 0) this.tell()
    else this.#cancel = clock.after(waitMs, () => this.tell())
  }

  /** Nothing more waits. */
  tell(): void {
    this.close()
    this.#toldAt = this.#options.clock.ticks()
    for (const [turnId, { attempt, lanes }] of this.#untold) {
      for (const [lane, offset] of lanes) this.#options.send({ turnId, attempt, lane, offset })
    }
    this.#untold.clear()
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
