import type { SteerTaken } from '../protocol/turn-view.ts'
import type { Steer, SteerListener } from './work.ts'

/** Hears how a message was taken; with nothing where it was not, and never will be. */
type Answering = (as: SteerTaken | undefined) => void

interface Held {
  readonly steer: Steer
  as: SteerTaken | undefined
  answering: Answering[]
}

/** The messages that came for one work while it runs: each is given to its agent once, however often it comes. */
export class Steers {
  readonly #held = new Map<string, Held>()
  readonly #listeners: SteerListener[] = []
  #isClosed = false

  /** `answering` hears how it was taken, now or when it is. */
  add(steer: Steer, answering: Answering = () => undefined): void {
    const known = this.#held.get(steer.messageId)
    if (known?.as !== undefined || this.#isClosed) {
      answering(known?.as)
      return
    }
    if (known) {
      known.answering.push(answering)
      return
    }
    const held: Held = { steer, as: undefined, answering: [answering] }
    this.#held.set(steer.messageId, held)
    if (this.#listeners.length > 0) void this.#give(held, this.#listeners)
  }

  listen(listener: SteerListener): void {
    const early = this.#listeners.length === 0 ? [...this.#held.values()] : []
    this.#listeners.push(listener)
    for (const held of early) void this.#give(held, [listener])
  }

  /** Those that were taken. */
  taken(): { messageId: string; as: SteerTaken }[] {
    return [...this.#held.values()].flatMap(({ steer: { messageId }, as }) => (as ? [{ messageId, as }] : []))
  }

  /** Whoever did the work is done: what was not taken by now is somebody else's. */
  close(): void {
    this.#isClosed = true
    for (const held of this.#held.values()) for (const answer of held.answering.splice(0)) answer(held.as)
  }

  async #give(held: Held, listeners: readonly SteerListener[]): Promise<void> {
    try {
      const taken = await Promise.all(listeners.map(async (listener) => listener(held.steer)))
      if (this.#isClosed) return
      held.as = taken.includes('next') ? 'next' : 'now'
      for (const answer of held.answering.splice(0)) answer(held.as)
    } catch {
      // It was not taken, and may be when it comes again: the relay keeps it.
      this.#held.delete(held.steer.messageId)
      for (const answer of held.answering.splice(0)) answer(undefined)
    }
  }
}
