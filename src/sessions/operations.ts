import type { Fleet } from '../protocol/ops.ts'
import type { Clock } from '../turns/clock.ts'
import { newId } from '../turns/new-id.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import type { WorkOrders } from '../turns/work-orders.ts'
import type { Directory } from './directory.ts'
import type { Quarantines } from './quarantine.ts'

export interface OperationsOptions {
  readonly store: Pick<TurnStore, 'appendAudit'>
  readonly directory: Directory
  readonly quarantines: Quarantines
  readonly orders: Pick<WorkOrders, 'consider'>
  readonly clock: Clock
  readonly reload: () => Promise<string[]>
  readonly node: () => Fleet['nodes'][number]
}

/** What an operator sees and may do, over `/ops` and HTTP alike. Whatever is done is written down first, with who and why. */
export class Operations {
  readonly #options: OperationsOptions

  constructor(options: OperationsOptions) {
    this.#options = options
  }

  fleet(): Fleet {
    const { directory, node } = this.#options
    return { drones: directory.fleet(), nodes: [node()] }
  }

  /** Asks a drone to leave; the answer is the drone's. */
  async terminate(
    by: string,
    registrationId: string,
    mode: 'now' | 'drain',
    reason: string,
  ): Promise<boolean> {
    await this.#audit(by, `terminate:${mode}`, registrationId, reason)
    return this.#options.directory.terminate(registrationId, mode, reason)
  }

  /** It gets no work until it is released. */
  async quarantine(by: string, registrationId: string, reason: string): Promise<void> {
    this.#options.directory.check(registrationId)
    await this.#audit(by, 'quarantine', registrationId, reason)
    await this.#options.quarantines.set(registrationId, reason)
  }

  async release(by: string, registrationId: string, reason: string): Promise<void> {
    this.#options.directory.check(registrationId)
    await this.#audit(by, 'release', registrationId, reason)
    await this.#options.quarantines.release(registrationId)
    this.#options.orders.consider()
  }

  /** [RO3] Rules are read anew; keys always are. Answers what that was. */
  async reload(by: string): Promise<string[]> {
    await this.#audit(by, 'reload', 'relay', 'asked for')
    return this.#options.reload()
  }

  #audit(by: string, action: string, subject: string, reason: string): Promise<void> {
    const at = this.#options.clock.now()
    return this.#options.store.appendAudit({ auditId: newId(at), at, by, action, subject, reason })
  }
}
