import type { OpenPermission } from '../protocol/code-up.ts'

/** What became of a question. `optionId` is null where nobody chose in time, and missing where that was not heard. */
export interface QuestionAnswered {
  readonly kind: 'answered'
  readonly permission: OpenPermission
  readonly optionId?: string | null
  readonly by?: string | undefined
}

/** An agent asks: `CodeClient.choose` answers. */
export interface QuestionAsked {
  readonly kind: 'asked'
  readonly permission: OpenPermission
}

interface Resolution {
  readonly droneId: string
  readonly requestId: string
  readonly optionId?: string | null
  readonly by?: string
}

/** [CC12] What agents ask in a session and nobody has answered: each is told once, whether it came live or with a join. */
export class ViewedQuestions {
  readonly #onChange: (change: QuestionAsked | QuestionAnswered) => void
  /** By drone and request. */
  readonly #open = new Map<string, OpenPermission>()

  constructor(onChange: (change: QuestionAsked | QuestionAnswered) => void) {
    this.#onChange = onChange
  }

  /** The oldest first. */
  get open(): OpenPermission[] {
    return [...this.#open.values()]
  }

  asked(permission: OpenPermission): void {
    const key = keyOf(permission)
    if (this.#open.has(key)) return
    this.#open.set(key, permission)
    this.#onChange({ kind: 'asked', permission })
  }

  answered({ droneId, requestId, optionId = null, by }: Resolution): void {
    const key = keyOf({ droneId, requestId })
    const permission = this.#open.get(key)
    this.#open.delete(key)
    if (permission) this.#onChange({ kind: 'answered', permission, optionId, by })
  }

  /** After a join: what was asked and answered meanwhile. */
  settle(open: readonly OpenPermission[]): void {
    const keys = new Set(open.map(keyOf))
    for (const [key, permission] of this.#open) {
      if (keys.has(key)) continue
      this.#open.delete(key)
      this.#onChange({ kind: 'answered', permission })
    }
    for (const permission of open) this.asked(permission)
  }
}

function keyOf({ droneId, requestId }: { readonly droneId: string; readonly requestId: string }): string {
  return JSON.stringify([droneId, requestId])
}
