import { createHash } from 'node:crypto'
import type { ShownSurface } from '../client/drone-requests.ts'
import type { PlanEntry } from './agent-update.ts'

/** Chat sessions whose plans are shown: of more than these the oldest are taken away. */
const MOST_SHOWN = 20

interface Shows {
  show(surface: ShownSurface): void
  hide(surfaceId: string): void
}

/** [AG65] The agent's plan as a surface of its chat session, for as long as no other turn of that has begun. */
export class ShownPlans {
  readonly #drone: Shows
  /** By chat session, the one that changed last at the end. */
  readonly #surfaceIds = new Map<string, string>()

  constructor(drone: Shows) {
    this.#drone = drone
  }

  /** `spec`: `{ kind: 'plan', entries: [{ content, status }] }`, with the states of ACP. None: nothing is planned. */
  tell(chatSessionId: string, entries: readonly PlanEntry[]): void {
    if (entries.length === 0) this.#hide(chatSessionId)
    else {
      const surfaceId = idFor(chatSessionId)
      this.#surfaceIds.delete(chatSessionId)
      this.#surfaceIds.set(chatSessionId, surfaceId)
      const steps = entries.map(({ content, status = 'pending' }) => ({ content, status }))
      const spec = { kind: 'plan', entries: steps }
      this.#drone.show({ surfaceId, title: 'Plan', chatSessionId, spec })
      const [oldest] = this.#surfaceIds.keys()
      if (this.#surfaceIds.size > MOST_SHOWN && oldest !== undefined) this.#hide(oldest)
    }
  }

  #hide(chatSessionId: string): void {
    const surfaceId = this.#surfaceIds.get(chatSessionId)
    if (surfaceId === undefined) return
    this.#surfaceIds.delete(chatSessionId)
    this.#drone.hide(surfaceId)
  }
}

/** The same after a restart of the drone: the session's plan takes the place of its last one. */
function idFor(chatSessionId: string): string {
  return `plan-${createHash('sha256').update(chatSessionId).digest('base64url').slice(0, 22)}`
}
