import type { WorkOrder } from '../protocol/drone-down.ts'
import type { WireError } from '../protocol/errors.ts'
import { AcceptedOrders } from './accepted-orders.ts'
import type { AcceptedOrder } from './accepted-orders.ts'
import type { Answer } from './delivery.ts'
import { DroneWork } from './drone-work.ts'
import type { WorkDesk } from './drone-work.ts'
import type { WorkHandler } from './work.ts'
import type { Works } from './works.ts'

interface OrderIntakeOptions {
  readonly stateDir: string
  readonly instanceId: string
  readonly works: Works
  readonly deskOf: () => WorkDesk
  readonly onWorkOrder: WorkHandler
  readonly drop: (work: DroneWork, reason: string) => void
}

/** Attempts given up that are remembered: far more than a relay offers again. */
const GIVEN_UP_REMEMBERED = 1000

/** Takes orders: each is written down, acknowledged, and then worked on; those of earlier processes are asked about. */
export class OrderIntake {
  readonly #options: OrderIntakeOptions
  readonly #orders: AcceptedOrders
  /** What became of writing each order down. */
  readonly #written = new WeakMap<DroneWork, Promise<Answer>>()
  /** What earlier processes left behind, until the relay says what becomes of it. */
  #left = new Map<string, AcceptedOrder>()
  /** By turn, the latest attempt that was begun here and let go of, and whether doing it again might do something twice. */
  readonly #givenUp = new Map<string, { readonly attempt: number; readonly sideEffects: boolean }>()
  #closed = false

  constructor(options: OrderIntakeOptions) {
    this.#options = options
    this.#orders = new AcceptedOrders(options.stateDir)
  }

  async readLeft(): Promise<void> {
    const left = await this.#orders.list()
    this.#left = new Map(left.map((order) => [order.turnId, order]))
  }

  get left(): AcceptedOrder[] {
    return [...this.#left.values()]
  }

  isLeft(turnId: string): boolean {
    return this.#left.has(turnId)
  }

  /** No order is taken any more. */
  close(): void {
    this.#closed = true
  }

  /** Resolves when the folder is as it should be, or cannot be. */
  settled(): Promise<void> {
    return this.#orders.settled()
  }

  async accept(order: WorkOrder, ack: (answer: Answer) => void): Promise<void> {
    const { works, deskOf, drop } = this.#options
    const known = works.get(order.turnId)
    if (known?.order.attempt === order.attempt) {
      ack((await this.#written.get(known)) ?? { ok: true })
      return
    }
    if (this.#closed) {
      ack({ ok: false, error: { code: 'drone_busy', message: 'The drone is stopping.' } })
      return
    }
    const givenUp = this.#givenUp.get(order.turnId)
    if (givenUp && givenUp.attempt >= order.attempt) {
      ack({ ok: false, error: begunBefore(order, givenUp.sideEffects) })
      return
    }
    if (known) drop(known, 'The turn has a later attempt.')
    const work = new DroneWork(order, deskOf())
    works.add(work)
    this.#left.delete(order.turnId)
    const written = this.#writeDown(order)
    this.#written.set(work, written)
    const answer = await written
    if (!answer.ok) {
      drop(work, 'The order could not be written down.')
      this.#givenUp.delete(order.turnId)
    }
    ack(answer)
    // Stopped meanwhile, it has its end already.
    if (answer.ok && !work.signal.aborted) void this.#do(work)
  }

  /**
   * The work is let go of, and what it said may have been seen. Its attempt is not begun a second time: viewers could
   * not tell the words of both apart.
   */
  giveUp({ order: { turnId, attempt }, sideEffects }: DroneWork): void {
    this.#givenUp.delete(turnId)
    this.#givenUp.set(turnId, { attempt, sideEffects })
    const [oldest] = this.#givenUp.keys()
    if (this.#givenUp.size > GIVEN_UP_REMEMBERED && oldest !== undefined) this.#givenUp.delete(oldest)
  }

  /** Retried, the order comes again of itself; discarded, it is forgotten. Either way it is asked about no more. */
  recovered(turnId: string): void {
    this.#left.delete(turnId)
    if (!this.#options.works.get(turnId)) this.forget(turnId)
  }

  /** A file that cannot be taken away is asked about by the next process, and discarded then. */
  forget(turnId: string): void {
    this.#orders.remove(turnId).catch(() => undefined)
  }

  async #writeDown({ turnId, attempt, workspaceId, chatSessionId }: WorkOrder): Promise<Answer> {
    const { instanceId } = this.#options
    try {
      await this.#orders.add({ turnId, attempt, workspaceId, chatSessionId, instanceId })
      return { ok: true }
    } catch (error) {
      const message = `The order could not be written down: ${String(error)}`
      return { ok: false, error: { code: 'internal', message } }
    }
  }

  async #do(work: DroneWork): Promise<void> {
    try {
      await this.#options.onWorkOrder(work)
      if (!work.signal.aborted) void work.complete(true)
    } catch (error) {
      void work.complete(false, error instanceof Error ? error.message : String(error))
    }
  }
}

function begunBefore({ turnId, attempt }: WorkOrder, sideEffects: boolean): WireError {
  const message = `Attempt ${attempt} of turn ${turnId} was begun by this very process and given up: it takes the next one.`
  return { code: 'fenced', message, retryable: false, details: { sideEffects } }
}
