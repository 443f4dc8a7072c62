import { around } from '../../scripts/chaos/patch.ts'
import type { TurnStore } from '../../src/turns/turn-store.ts'

/** A store whose commits can be made to wait, as a slow disk's would, until the gate is opened again. */
export class CommitGate {
  #closed: Promise<void> | undefined
  #open: () => void = () => undefined

  /** Resolves when commits may be made. */
  get opened(): Promise<void> {
    return this.#closed ?? Promise.resolve()
  }

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
        await this.opened
        return store.commit(batches)
      },
    })
  }
}

/** The commits of a store that is in use already wait from now on, until the answer is called. */
export function holdCommits(store: TurnStore): () => void {
  const commit = store.commit.bind(store)
  const gate = new CommitGate()
  gate.close()
  store.commit = async (batches) => {
    await gate.opened
    return commit(batches)
  }
  return () => gate.open()
}
