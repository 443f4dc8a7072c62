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
/** Ms between commits of a drone that speaks so fast that it is told at half the pace. */
const FAST_MS = 60
/** What comes closer is of one commit, for several turns. */
const ONE_COMMIT_MS = 5
/** UTF-16 units after which no pace counts: a drone that says so much may wait for room in its window. */
const MUCH_UNITS = 16_384

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
  #isDue = false
  /** Ticks of the last commit, and whether the one before it was close. */
  #storedAt = Number.NEGATIVE_INFINITY
  #isFast = false
  /** Units that came since it was told. */
  #units = 0

  constructor(options: CheckpointsOptions) {
    this.#options = options
  }

  /** So many units came from the drone. */
  came(units: number): void {
    this.#units += units
  }

  stored(turnId: string, attempt: number, heads: readonly LaneHead[]): void {
    let turn = this.#untold.get(turnId)
    if (turn?.attempt !== attempt) {
      turn = { attempt, lanes: new Map() }
      this.#untold.set(turnId, turn)
    }
    for (const { lane, offset } of heads) turn.lanes.set(lane, offset)
    const { clock, rounds } = this.#options
    const now = clock.ticks()
    const gapMs = now - this.#storedAt
    if (gapMs >= ONE_COMMIT_MS) {
      this.#storedAt = now
      this.#isFast = gapMs < FAST_MS
    }
    if (this.#units >= MUCH_UNITS) return this.tell()
    if (this.#isDue) return
    const waitMs = this.#pacedTo - PACE_MS * (AT_ONCE - 1) - now
    if (waitMs <= 0) return this.tell()
    this.#isDue = true
    rounds.join(() => {
      if (this.#isFast) rounds.join(() => this.#due(2 * PACE_MS), PACE_MS)
      else this.#due(PACE_MS)
    }, waitMs)
  }

  /** Nothing more waits. */
  tell(paceMs = PACE_MS): void {
    if (this.#untold.size === 0) return
    this.#units = 0
    this.#pacedTo = Math.max(this.#pacedTo, this.#options.clock.ticks()) + paceMs
    for (const [turnId, { attempt, lanes }] of this.#untold) {
      for (const [lane, offset] of lanes) this.#options.send({ turnId, attempt, lane, offset })
    }
    this.#untold.clear()
  }

  #due(paceMs: number): void {
    this.#isDue = false
    this.tell(paceMs)
  }

  /** The drone is gone. */
  close(): void {
    this.#untold.clear()
  }
}
