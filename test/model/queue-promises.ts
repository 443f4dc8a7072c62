import type { WorkOrder } from '../../src/protocol/drone-down.ts'
import type { SteerTaken } from '../../src/protocol/turn-view.ts'
import type { MemoryStore } from './memory-store.ts'
import { CHAT } from './model-config.ts'
import { Broken } from './promises.ts'

/** Messages that were answered, and what agents made of them: docs/SPEC.md, [CQ1] to [CQ3] and [SR1] to [SR3]. */
export class QueuePromises {
  readonly #store: MemoryStore
  readonly #taken = new Set<string>()
  /** Which attempts took a message. */
  readonly #steered = new Map<string, { turnId: string; attempt: number }[]>()

  constructor(store: MemoryStore) {
    this.#store = store
  }

  get isEmpty(): boolean {
    return (this.#store.readSession(CHAT)?.queue ?? []).length === 0
  }

  /** The relay has said that it has it. */
  taken(messageId: string): void {
    this.#taken.add(messageId)
  }

  /** Every other message is one that an agent never takes: it has to be the next. */
  steered({ turnId, attempt }: WorkOrder, messageId: string): Promise<SteerTaken> {
    if (Number(messageId.split('-')[1]) % 2 === 0) return new Promise(() => undefined)
    const taken = this.#steered.get(messageId) ?? []
    if (taken.some((one) => one.turnId === turnId && one.attempt === attempt))
      throw new Broken(`I7: attempt ${attempt} of ${turnId} is given ${messageId} twice`)
    this.#steered.set(messageId, [...taken, { turnId, attempt }])
    return Promise.resolve('now')
  }

  /** Each message is in the end one turn, or in one turn, and no agent that ended well did one that was done again. */
  checkEnd(): void {
    if (!this.isEmpty) throw new Broken('I7: in the end messages wait')
    const turns = this.#store.all()
    for (const messageId of this.#taken) {
      const own = turns.filter((turn) => turn.messageId === messageId)
      // One that was inserted late, and given up, was never anybody's.
      const begun = own.filter(({ status, assigned }) => status !== 'aborted' || assigned)
      const into = turns.filter((turn) => turn.steers?.some((steer) => steer.messageId === messageId))
      if (own.length + into.length === 0 || begun.length + into.length > 1)
        throw new Broken(`I7: ${messageId} has become ${begun.length} turns and gone into ${into.length}`)
      const done = (this.#steered.get(messageId) ?? []).filter(({ turnId, attempt }) =>
        turns.some(
          (turn) => turn.turnId === turnId && turn.attempt === attempt && turn.status === 'finished',
        ),
      )
      if (begun.length > 0 && done.length > 0)
        throw new Broken(`I7: ${messageId} was done by an agent that ended well, and again as a turn`)
    }
  }
}
