import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from './random.ts'

/** A fault that is begun, endured and ended again by one call; early where `signal` aborts. */
export interface Fault {
  readonly name: string
  /** How often it is chosen among those of its kind. */
  readonly weight: number
  strike(random: Random, signal: AbortSignal): Promise<void>
}

/** Faults that come one after the other. */
export interface Front {
  readonly name: string
  readonly everyMs: number
  readonly faults: readonly Fault[]
}

/** Does nothing for a while, or until it is all over. */
export async function endure(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

/** All faults of a run: each front on its own, by chances that come from the seed alone. */
export class Storm {
  readonly #fronts: readonly Front[]
  readonly #seed: number
  readonly #note: (line: string) => void
  readonly counts = new Map<string, number>()

  /** `note`: when each fault began and ended, for whoever looks for the cause of what went wrong. */
  constructor(options: { fronts: readonly Front[]; seed: number; note: (line: string) => void }) {
    this.#fronts = options.fronts
    this.#seed = options.seed
    this.#note = options.note
  }

  /** Resolves when every fault that was begun is ended. */
  async rage(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#fronts.map((front) => this.#follow(front, signal)))
  }

  async #follow({ name, everyMs, faults }: Front, signal: AbortSignal): Promise<void> {
    const random = new Random(`${this.#seed}/${name}`)
    while (faults.length > 0) {
      await endure(random.around(everyMs), signal)
      if (signal.aborted) return
      const fault = choose(faults, random)
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1)
      this.#note(fault.name)
      await fault.strike(random, signal)
      this.#note(`over: ${fault.name}`)
    }
  }
}

function choose(faults: readonly Fault[], random: Random): Fault {
  let place = random.between(
    0,
    faults.reduce((sum, { weight }) => sum + weight, 0),
  )
  for (const fault of faults) {
    place -= fault.weight
    if (place < 0) return fault
  }
  return faults[0] as Fault
}
