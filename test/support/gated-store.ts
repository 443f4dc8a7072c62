import { around } from '../../scripts/chaos/patch.ts'
import type { TurnStore } from '../../src/turns/turn-store.ts'

/** A store whose commits can be made to wait, as a slow disk's would, until the gate is opened again. */
export class CommitGate {
  #closed: Promise<void> | undefined
  #open: () => void = () => undefined

  close(): void {
    this.#closed ??= new Promise((resolve) => (this.#open = resolve))
  }

  open(): void {
    this.#closed = undefined
    this.#open()
  }

  around(store: TurnStore): TurnStore {
    return around(store, {
      commit: async (batches) => {
        await this.#closed
        return store.commit(batches)
      },
    })
  }
}
