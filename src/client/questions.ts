import type { PermissionRequest } from '../protocol/drone-up.ts'
import type { Clock } from '../turns/clock.ts'
import type { Answer } from './delivery.ts'
import type { DroneWork } from './drone-work.ts'
import type { Choice } from './work.ts'

/** How long the relay may take to say that a question is stored before it is asked again. */
const STORED_MS = 10_000
/** The pause before a question that the relay could not take is asked again. */
const AGAIN_MS = 1000

interface Wire {
  readonly up: boolean
  ask(withinMs: number, name: string, ...args: unknown[]): Promise<Answer>
}

interface Open {
  readonly work: DroneWork
  readonly request: PermissionRequest
  readonly resolve: (choice: Choice | undefined) => void
  readonly reject: (error: Error) => void
  /** It is on its way: it is not asked twice at a time. */
  isAsking: boolean
}

/** [SK10] What a drone has asked people and not heard of: asked again on every connection, for the relay may not have it. */
export class Questions {
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #open = new Map<string, Open>()
  /** Works whose end is heard of: one listener each, however much they ask. */
  readonly #heard = new WeakSet<DroneWork>()

  constructor({ wire, clock }: { wire: Wire; clock: Clock }) {
    this.#wire = wire
    this.#clock = clock
  }

  /** Resolves with what was chosen: with nothing where nobody did, or the turn is over. Rejects where it may not be asked. */
  ask(work: DroneWork, request: PermissionRequest): Promise<Choice | undefined> {
    const { requestId } = request
    if (work.signal.aborted) return Promise.resolve(undefined)
    if (this.#open.has(requestId)) return Promise.reject(new Error(`request ${requestId} was made before`))
    return new Promise((resolve, reject) => {
      this.#open.set(requestId, { work, request, resolve, reject, isAsking: false })
      this.#hearEndOf(work)
      // The call that it is about leaves first.
      setImmediate(() => void this.#send(requestId))
    })
  }

  welcomed(): void {
    for (const [requestId, open] of this.#open) {
      // The answer to what was asked on the last connection never comes.
      open.isAsking = false
      void this.#send(requestId)
    }
  }

  resolved({ requestId, optionId, by }: { requestId: string; optionId?: string | null; by?: string }): void {
    this.#over(requestId, typeof optionId === 'string' ? { optionId, ...(by ? { by } : {}) } : undefined)
  }

  #hearEndOf(work: DroneWork): void {
    if (this.#heard.has(work)) return
    this.#heard.add(work)
    const over = (): void => {
      for (const [requestId, open] of this.#open) if (open.work === work) this.#over(requestId, undefined)
    }
    work.signal.addEventListener('abort', over, { once: true })
  }

  async #send(requestId: string): Promise<void> {
    const open = this.#open.get(requestId)
    if (!open || open.isAsking || !this.#wire.up) return
    open.isAsking = true
    const answer = await this.#wire.ask(STORED_MS, 'permission:request', open.request).catch(() => undefined)
    if (this.#open.get(requestId) !== open || !open.isAsking) return
    open.isAsking = false
    if (answer?.ok === true) return
    const { code, message, retryable, retryAfterMs = AGAIN_MS } = answer?.error ?? {}
    // The turn is not this drone's any more: it hears of that by itself.
    if (code === 'fenced') this.#over(requestId, undefined)
    else if (code === undefined || retryable === true)
      this.#clock.after(retryAfterMs, () => void this.#send(requestId))
    else {
      this.#open.delete(requestId)
      open.reject(new Error(`${message ?? 'The relay did not take the question.'} (${code})`))
    }
  }

  #over(requestId: string, choice: Choice | undefined): void {
    this.#open.get(requestId)?.resolve(choice)
    this.#open.delete(requestId)
  }
}
