import type { Limits } from '../protocol/drone-down.ts'
import type { Usage } from '../protocol/drone-up.ts'
import type { WireError } from '../protocol/errors.ts'
import type { Position } from '../protocol/position.ts'
import { backoffMs } from '../turns/backoff.ts'
import type { Clock } from '../turns/clock.ts'
import { wireEntry } from '../turns/wire-entry.ts'
import type { DroneWork } from './drone-work.ts'
import type { Works } from './works.ts'

/** How long the relay may take to say that an end is stored before it is said again. */
const COMPLETE_ACK_MS = 10_000
/** The pause before a completion that was not taken is tried again. */
const COMPLETE_AGAIN_MS = 200
/** So often a head that is asked for again is sent at once: what made the gap may have been sent before the rewind. */
const AT_ONCE = 3
/** The waits before what is asked for again and again is sent: the relay has no room, or its store is away. */
const AGAIN_FIRST_MS = 100
const AGAIN_LONGEST_MS = 10_000

/**
 * Text gathers this long and leaves as one piece; the first after a silence, and whatever is no text, never waits. A
 * piece costs the relay about the same whatever its length, and nobody reads faster.
 */
const MERGE_MS = 40
/**
 * Gathered text leaves at the last multiple of this, by the machine's clock, that is not much later: drones whose clocks
 * agree then speak in the same moment, and the relay wakes up once for all of them. That is much of what a piece costs.
 */
const MOMENT_MS = 40
/** A timer may fire this much early or late, and so may what was said in the last moment. */
const ABOUT_MS = 5

/** What the relay answers to an event. */
export interface Answer {
  readonly ok: boolean
  readonly error?: Pick<WireError, 'code' | 'message'> & Partial<WireError>
}

/** The connection, as far as bringing words to the relay goes. */
interface Wire {
  /** Only then may anything be said. */
  readonly up: boolean
  emit(name: string, ...args: unknown[]): void
  ask(withinMs: number, name: string, ...args: unknown[]): Promise<Answer>
}

interface DeliveryOptions {
  readonly wire: Wire
  readonly works: Works
  readonly clock: Clock
  /** The turn is over, or somebody else's. */
  readonly onOver: (work: DroneWork, reason: string) => void
}

/** Brings what the works say to the relay, and their ends after it, for as long as it takes. */
export class Delivery {
  readonly #options: DeliveryOptions
  /** The latest totals of each work, said again on every connection: they are lost with one and never asked for. */
  readonly #usages = new Map<DroneWork, Usage>()
  /** Works whose words wait: the relay could not take them just now. */
  readonly #held = new Set<DroneWork>()
  #limits: Limits | undefined
  /** What is said in one go is gathered, and then flushed. */
  #gathering = false
  #cancelMerge: (() => void) | undefined
  /** Monotonic. */
  #flushedAt = Number.NEGATIVE_INFINITY

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** A new connection: what is not stored, and what nobody knows to have arrived, is said on it. */
  welcomed(limits: Limits): void {
    this.#limits = limits
    this.#held.clear()
    for (const [work, usage] of this.#usages) {
      if (work.isOver) this.#usages.delete(work)
      else this.#options.wire.emit('usage', usage)
    }
    this.flushNow()
  }

  /** The connection is gone, and with it the answer to a completion. */
  down(): void {
    this.#cancelMerge?.()
    this.#cancelMerge = undefined
    for (const work of this.#options.works.all()) work.completing = false
  }

  usage(usage: Usage): void {
    const work = this.#options.works.of(usage)
    if (work) this.#usages.set(work, usage)
    this.#options.wire.emit('usage', usage)
  }

  /** Everything that waits leaves now, together with what is said in the same go. */
  flushNow(): void {
    this.#cancelMerge?.()
    this.#cancelMerge = undefined
    if (this.#gathering) return
    this.#gathering = true
    setImmediate(() => {
      this.#gathering = false
      this.#flush()
    })
  }

  /** There is text: it leaves now or with what comes soon after it. */
  flushSoon(): void {
    if (this.#gathering || this.#cancelMerge) return
    const { clock } = this.#options
    const waitMs = this.#flushedAt + MERGE_MS - clock.ticks()
    if (waitMs <= 0) this.flushNow()
    else {
      const latest = clock.now() + waitMs + ABOUT_MS
      const momentMs = Math.floor(latest / MOMENT_MS) * MOMENT_MS - clock.now()
      this.#cancelMerge = clock.after(Math.max(0, momentMs), () => this.flushNow())
    }
  }

  rewind(work: DroneWork, { lane = '', offset }: Position): void {
    if (!work.outbox.rewind(lane, offset)) {
      this.fail(work, 'What was said could not be brought to the relay.')
      return
    }
    const { fruitless } = work.outbox
    if (fruitless > AT_ONCE) this.#hold(work, fruitless - AT_ONCE)
    else this.flushNow()
  }

  /** Ends a turn that cannot go on: the words are not all there, so there is no success. */
  fail(work: DroneWork, message: string): void {
    work.interrupt(message)
    work.completion = { success: false, message }
    if (!work.completing && this.#options.wire.up) void this.#complete(work)
  }

  /** The work is over: nothing of it is sent any more. */
  forget(work: DroneWork): void {
    this.#usages.delete(work)
    this.#held.delete(work)
  }

  /** Nothing of this work is sent for a while. */
  #hold(work: DroneWork, times: number): void {
    if (this.#held.has(work)) return
    this.#held.add(work)
    const waits = { firstMs: AGAIN_FIRST_MS, longestMs: AGAIN_LONGEST_MS, random: Math.random }
    this.#options.clock.after(backoffMs(times, waits), () => {
      this.#held.delete(work)
      this.flushNow()
    })
  }

  #flush(): void {
    const { wire, works } = this.#options
    const limits = this.#limits
    if (!wire.up || !limits) return
    this.#flushedAt = this.#options.clock.ticks()
    for (const work of works.all()) {
      if (this.#held.has(work)) continue
      const { turnId, attempt } = work.order
      work.outbox.flush(limits, (lane, placed) => {
        const { name, args } = wireEntry({ turnId, attempt, lane }, placed)
        wire.emit(name, ...args)
        return true
      })
      if (work.completion && !work.outbox.hasUnsent && !work.completing) void this.#complete(work)
    }
  }

  async #complete(work: DroneWork): Promise<void> {
    const { completion, order } = work
    if (!completion) return
    work.completing = true
    const { success } = completion
    const steers = work.takenSteers()
    const detail = { attempt: order.attempt, heads: work.heads(), ...(steers.length > 0 ? { steers } : {}) }
    // A reason as long as a log file would be a packet that costs the connection, again and again.
    const message = completion.message?.slice(0, this.#limits?.textUnits).toWellFormed() ?? null
    let againMs = COMPLETE_AGAIN_MS
    try {
      const { wire } = this.#options
      const { ok, error } = await wire.ask(
        COMPLETE_ACK_MS,
        'workOrderComplete',
        order.turnId,
        success,
        message,
        detail,
      )
      if (ok || error?.code === 'fenced' || error?.code === 'not_found')
        this.#options.onOver(work, 'The turn has ended.')
      else if (error?.retryable === true) againMs = error.retryAfterMs ?? againMs
      else if (success) work.completion = { success: false, message: error?.message }
      // Said again it would be refused again; a turn that nobody names any more is the relay's to end.
      else
        this.#options.onOver(work, `The relay does not take the turn's end: ${error?.message ?? 'no reason'}`)
    } catch {
      // No answer: the connection is gone or slow. It is asked again; the first end wins.
    }
    work.completing = false
    if (!work.isOver) this.#options.clock.after(againMs, () => this.flushNow())
  }
}
