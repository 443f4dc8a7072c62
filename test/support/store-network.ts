import { RelayError } from '../../src/protocol/errors.ts'
import type { Random } from './store-random.ts'

/** An operation on its way: what happens to it is chosen step by step. */
interface Sent {
  readonly apply: () => void
  readonly fail: () => void
  failed: boolean
}

/** Chance that an operation whose reply was lost, or that was answered, comes to the server once more. */
const COPIED = 0.15
/** Chance that whoever waits is told nothing, and that the operation then still is on its way. */
const UNANSWERED = 0.2
/** Chance that it never arrives. */
const LOST = 0.1

/** Between callers and documents: operations wait here, in no order, and are delayed, repeated, lost or not answered. */
export class StoreNetwork {
  readonly #random: Random
  #sent: Sent[] = []

  constructor(random: Random) {
    this.#random = random
  }

  get isIdle(): boolean {
    return this.#sent.length === 0
  }

  send<T>(operation: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#sent.push({
        apply: () => resolve(operation()),
        fail: () => reject(new RelayError('store_unavailable', 'no answer')),
        failed: false,
      })
    })
  }

  /** Lets something happen to one of the operations under way. */
  step(): void {
    const [sent] = this.#sent.splice(this.#random.below(this.#sent.length), 1)
    if (!sent) return
    if (!sent.failed && this.#random.chance(UNANSWERED)) {
      sent.fail()
      sent.failed = true
      if (!this.#random.chance(LOST / UNANSWERED)) this.#sent.push(sent)
      return
    }
    sent.apply()
    if (this.#random.chance(COPIED)) this.#sent.push({ ...sent, failed: true })
  }
}
