import type { Question, Work } from '../client/work.ts'
import type { AgentTool } from './agent-update.ts'
import type { Clock } from './clock.ts'
import type { AgentTerminals } from './terminals/agent-terminals.ts'
import { ToolCall } from './tool-call.ts'

/** Milliseconds between results of one running call: five a second, as the protocol asks. */
const RESULT_EVERY_MS = 200

interface Told {
  readonly call: ToolCall
  announced: boolean
  /** When its last result was told, and how to take back one that is due. */
  toldAt: number
  cancelDue?: (() => void) | undefined
}

export interface ToolCallsOptions {
  readonly work: Work
  readonly clock: Clock
  readonly onStatus: (text: string) => void
  /** Where the agent runs programs, if it may. */
  readonly terminals?: Pick<AgentTerminals, 'textOf' | 'listen'> | undefined
}

/** The tool calls of a turn, told in order: a call before its results, and no result too often. */
export class ToolCalls {
  readonly #options: ToolCallsOptions
  readonly #told = new Map<string, Told>()
  readonly #stopListening: (() => void) | undefined

  constructor(options: ToolCallsOptions) {
    this.#options = options
    this.#stopListening = options.terminals?.listen((terminalId) => this.#terminalChanged(terminalId))
  }

  kindOf(toolCallId: string): string | undefined {
    return this.#told.get(toolCallId)?.call.kind
  }

  /** What a question about a call says of it. */
  questionOf(toolCallId: string): NonNullable<Question['toolCall']> {
    const call = this.#told.get(toolCallId)?.call
    return call ? { callId: call.callId, name: call.name, detail: call.detail } : {}
  }

  /** `isNew`: the agent announces a call, and does not speak of one that it has announced. */
  async tell(update: AgentTool, isNew = false): Promise<void> {
    const told = this.#merge(update, isNew)
    if (!told.announced && told.call.isBare) {
      this.#options.onStatus(`The agent prepares: ${told.call.title}`)
      return
    }
    await this.#announce(told)
    if (told.call.hasEnded) await this.#tellResult(told)
    else if (update.content?.length || (update.rawOutput ?? undefined) !== undefined)
      await this.#tellSoon(told)
  }

  /** Announces what was held back for its arguments: something else is about to be told, and the order counts. */
  async announceAll(): Promise<void> {
    for (const told of this.#told.values()) await this.#announce(told)
  }

  /** Tells what is still due. */
  async finish(): Promise<void> {
    await this.announceAll()
    for (const told of this.#told.values()) if (told.cancelDue) await this.#tellResult(told)
  }

  /** The turn is over. */
  close(): void {
    this.#stopListening?.()
  }

  #terminalChanged(terminalId: string): void {
    for (const told of this.#told.values())
      if (told.announced && !told.call.hasEnded && told.call.shows(terminalId)) void this.#tellSoon(told)
  }

  #merge(update: AgentTool, isNew: boolean): Told {
    const known = this.#told.get(update.toolCallId)
    // Some models count their calls from one for every request: an ended call's id may come again.
    if (known && !(isNew && known.call.hasEnded)) {
      known.call.merge(update)
      return known
    }
    const textOf = (terminalId: string) => this.#options.terminals?.textOf(terminalId)
    const told: Told = { call: new ToolCall(update, textOf), announced: false, toldAt: -Infinity }
    this.#told.set(update.toolCallId, told)
    return told
  }

  async #announce(told: Told): Promise<void> {
    if (told.announced) return
    told.announced = true
    const { callId, name, params } = told.call
    const detail = told.call.takeDetail()
    await this.#options.work.toolCall({ callId, name, params, ...(detail ? { detail } : {}) })
  }

  async #tellSoon(told: Told): Promise<void> {
    if (told.cancelDue) return
    const waitMs = told.toldAt + RESULT_EVERY_MS - this.#options.clock.now()
    if (waitMs <= 0) return this.#tellResult(told)
    told.cancelDue = this.#options.clock.after(waitMs, () => void this.#tellResult(told))
  }

  async #tellResult(told: Told): Promise<void> {
    told.cancelDue?.()
    told.cancelDue = undefined
    told.toldAt = this.#options.clock.now()
    const { callId, response, hasFailed } = told.call
    const detail = told.call.takeDetail()
    await this.#options.work.toolResult({
      callId,
      response,
      ...(hasFailed ? { isError: true } : {}),
      ...(detail ? { detail } : {}),
    })
  }
}
