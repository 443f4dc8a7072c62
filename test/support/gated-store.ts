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

/** The next call of a method waits until `goOn`, and fails with what that is given; later ones do not wait. */
export function holdNext(
  store: TurnStore,
  name: 'readSession' | 'readTurn' | 'turnsOfSession',
): { readonly reached: Promise<void>; readonly goOn: (error?: Error) => void } {
  const methods = store as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const call = methods[name]?.bind(store)
  let goOn: (error?: Error) => void = () => undefined
  const allowed = new Promise<Error | undefined>((resolve) => (goOn = resolve))
  const reached = new Promise<void>((isReached) => {
    methods[name] = async (...args) => {
      if (call) methods[name] = call
      isReached()
      const error = await allowed
      if (error) throw error
      return call?.(...args)
    }
  })
  return { reached, goOn }
}
