import type { Work } from '../client/work.ts'
import type { PromptAnswer } from './agent-answer.ts'
import type { AgentUpdate } from './agent-update.ts'

type UsageUpdate = Extract<AgentUpdate, { sessionUpdate: 'usage_update' }>
type Totals = Parameters<Work['usage']>[0]

/** What a session has cost so far, as the agent last said; unknown in one that was there before. */
export interface CostMeter {
  spent: number | undefined
}

/** Adds up what an agent says of its tokens. One turn may take several prompts: each steer is one. */
export class TurnUsage {
  readonly #work: Work
  readonly #meter: CostMeter
  readonly #spentBefore: number | undefined
  #totals: Totals = { input: 0, output: 0 }

  constructor({ work, meter }: { work: Work; meter: CostMeter }) {
    this.#work = work
    this.#meter = meter
    this.#spentBefore = meter.spent
  }

  /** The fill of the context window and the cost, while the agent works. */
  update({ used, size, cost }: UsageUpdate): void {
    // The wire knows one currency.
    const spent = cost?.currency === 'USD' ? cost.amount : undefined
    if (spent !== undefined) this.#meter.spent = spent
    const before = this.#spentBefore
    this.#tell({
      ...this.#totals,
      ...(spent === undefined || before === undefined ? {} : { cost: Math.max(spent - before, 0) }),
      ...(used === undefined ? {} : { contextUsed: Math.round(used) }),
      ...(size === undefined ? {} : { contextWindow: Math.round(size) }),
    })
  }

  /** The tokens of one prompt, told with its answer. */
  add({ usage }: PromptAnswer): void {
    if (!usage) return
    const { input, output, cacheRead = 0, cacheWrite = 0, ...rest } = this.#totals
    this.#tell({
      ...rest,
      input: input + Math.round(usage.inputTokens ?? 0),
      // Thinking is paid for as output.
      output: output + Math.round((usage.outputTokens ?? 0) + (usage.thoughtTokens ?? 0)),
      ...(usage.cachedReadTokens === undefined
        ? {}
        : { cacheRead: cacheRead + Math.round(usage.cachedReadTokens) }),
      ...(usage.cachedWriteTokens === undefined
        ? {}
        : { cacheWrite: cacheWrite + Math.round(usage.cachedWriteTokens) }),
    })
  }

  #tell(totals: Totals): void {
    this.#totals = totals
    this.#work.usage(totals)
  }
}
