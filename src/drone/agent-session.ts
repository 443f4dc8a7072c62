import { methods } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import type { WorkOrder } from '../protocol/drone-down.ts'
import type { SessionAnswer } from './agent-answer.ts'
import { configOption } from './agent-update.ts'
import type { ConfigOption } from './agent-update.ts'
import type { Logger } from './logger.ts'
import type { Narrator } from './narrator.ts'
import type { CostMeter } from './turn-usage.ts'

/** What a session's options are asked through. */
export interface SessionAsker {
  ask<Schema extends z.ZodType>(method: string, params: object, answer: Schema): Promise<z.infer<Schema>>
}

export interface AgentSessionOptions {
  readonly id: string
  readonly cwd: string
  readonly isFresh: boolean
  readonly answer: SessionAnswer
  readonly logger: Logger
}

/** The agent's side of one chat session. */
export class AgentSession {
  readonly id: string
  readonly cwd: string
  /** Set while a turn runs; updates at other times are the session's own. */
  narrator: Narrator | undefined
  /** A session without memory gets the order's history with its first prompt. */
  isFresh: boolean
  readonly meter: CostMeter
  readonly #logger: Logger
  readonly #modes: string[]
  #options: readonly ConfigOption[]

  constructor({ id, cwd, isFresh, answer, logger }: AgentSessionOptions) {
    this.id = id
    this.cwd = cwd
    this.isFresh = isFresh
    this.meter = { spent: isFresh ? 0 : undefined }
    this.#logger = logger
    this.#options = answer.configOptions ?? []
    this.#modes = answer.modes?.availableModes.map((mode) => mode.id) ?? []
  }

  set options(options: readonly ConfigOption[]) {
    this.#options = options
  }

  /** What may be chosen of a category: `model`, `thought_level` or `mode`. */
  choices(category: string): { value: string; name?: string | null | undefined }[] {
    const option = this.#optionOf(category)
    if (option) return (option.options ?? []).flatMap((one) => ('options' in one ? one.options : [one]))
    return category === 'mode' ? this.#modes.map((value) => ({ value })) : []
  }

  /** Sets what the order asks for. What the agent does not offer is logged and left as it is. */
  async choose(asker: SessionAsker, { model, provider, thinkingLevel, agent }: WorkOrder): Promise<void> {
    // The model first: what else may be chosen can depend on it.
    await this.#choose(asker, 'model', model && provider ? [`${provider}/${model}`, model] : [model])
    await this.#choose(asker, 'thought_level', [thinkingLevel])
    await this.#choose(asker, 'mode', [agent])
  }

  async #choose(asker: SessionAsker, category: string, wanted: (string | undefined)[]): Promise<void> {
    const names = wanted.filter((one) => one !== undefined)
    if (names.length === 0) return
    const choices = this.choices(category)
    const value = names
      .map((name) => choices.find((one) => one.value === name || one.name === name)?.value)
      .find(Boolean)
    if (value === undefined) {
      const offered = choices.map((one) => one.value).join(', ') || 'nothing'
      this.#logger.warn(
        `The agent offers no ${category} "${names[0]}": it keeps its own. It offers ${offered}.`,
      )
      return
    }
    const option = this.#optionOf(category)
    if (option?.currentValue === value) return
    if (option) await this.#setOption(asker, option.id, value)
    else await asker.ask(methods.agent.session.setMode, { sessionId: this.id, modeId: value }, z.unknown())
  }

  async #setOption(asker: SessionAsker, configId: string, value: string): Promise<void> {
    const answer = z
      .object({ configOptions: z.array(configOption) })
      .nullish()
      .catch(undefined)
    const params = { sessionId: this.id, configId, value }
    const changed = await asker.ask(methods.agent.session.setConfigOption, params, answer)
    if (changed) this.#options = changed.configOptions
  }

  #optionOf(category: string): ConfigOption | undefined {
    return this.#options.find(
      (option) => option.category === category || (!option.category && option.id === category),
    )
  }
}
