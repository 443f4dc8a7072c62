import type { DroneDown } from '../protocol/drone-down.ts'
import type { Json } from '../protocol/values.ts'
import type { Announcements } from './announcements.ts'
import type { Answer } from './delivery.ts'

/** Answers that are remembered: a question whose answer was lost comes again. */
const MAX_REMEMBERED = 1000

export type DroneCommand = Parameters<DroneDown['executeCommand']>[0]
export type SurfaceAction = Parameters<DroneDown['surface:invoke']>[0]

/** What a drone shows beside words: `spec` is whatever the IDEs that draw it agree on with its drone. */
export interface ShownSurface {
  readonly surfaceId: string
  readonly title: string
  readonly spec: Json
  /** Where it is about one chat session. */
  readonly chatSessionId?: string
  readonly actions?: readonly { readonly actionId: string; readonly label: string }[]
}

type AnswerWithResult = Answer & { result?: Json }

/** What people ask of a drone beside its turns: commands, and what they press on the surfaces that it shows. */
export class DroneRequests {
  readonly #announcements: Announcements
  readonly #onCommand: ((command: DroneCommand) => unknown) | undefined
  readonly #actions = new Map<string, (action: SurfaceAction) => unknown>()
  readonly #answers = new Map<string, Promise<AnswerWithResult>>()

  constructor(options: {
    announcements: Announcements
    onCommand: ((command: DroneCommand) => unknown) | undefined
  }) {
    this.#announcements = options.announcements
    this.#onCommand = options.onCommand
  }

  show(surface: ShownSurface, onAction?: (action: SurfaceAction) => unknown): void {
    if (onAction) this.#actions.set(surface.surfaceId, onAction)
    else this.#actions.delete(surface.surfaceId)
    this.#announcements.say(`surface ${surface.surfaceId}`, 'surface:update', surface, { lasts: true })
  }

  /** It is not shown any more. */
  hide(surfaceId: string): void {
    this.#actions.delete(surfaceId)
    this.#announcements.say(`surface ${surfaceId}`, 'surface:update', { surfaceId, title: '', spec: null })
  }

  command(command: DroneCommand): Promise<AnswerWithResult> {
    const task = this.#onCommand
    return this.#once(`command ${command.requestId}`, task && (() => task(command)), command.command)
  }

  pressed(action: SurfaceAction): Promise<AnswerWithResult> {
    const task = this.#actions.get(action.surfaceId)
    return this.#once(`action ${action.requestId}`, task && (() => task(action)), action.actionId)
  }

  /** [DC14] However often it is asked for, it is done once. */
  #once(key: string, task: (() => unknown) | undefined, what: string): Promise<AnswerWithResult> {
    const known = this.#answers.get(key)
    if (known) return known
    const answer = answerOf(task, what)
    this.#answers.set(key, answer)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > MAX_REMEMBERED && oldest !== undefined) this.#answers.delete(oldest)
    return answer
  }
}

async function answerOf(task: (() => unknown) | undefined, what: string): Promise<AnswerWithResult> {
  if (!task) return { ok: false, error: { code: 'not_found', message: `This drone does not know ${what}.` } }
  try {
    const result = (await task()) as Json | undefined
    return { ok: true, ...(result === undefined ? {} : { result }) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ok: false, error: { code: 'internal', message } }
  }
}
