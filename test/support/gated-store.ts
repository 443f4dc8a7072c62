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
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit') {
          return async (batches: Parameters<TurnStore['commit']>[0]) => {
            await this.#closed
            return target.commit(batches)
          }
        }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }
}
