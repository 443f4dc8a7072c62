import type { Choice, Question, Work } from '../client/work.ts'
import type { PromptAnswer } from './agent-answer.ts'
import type { AgentTool, AgentUpdate, PlanEntry } from './agent-update.ts'
import type { Clock } from './clock.ts'
import { contentText } from './content-text.ts'
import { ToolCalls } from './tool-calls.ts'
import type { ToolCallsOptions } from './tool-calls.ts'
import { TurnUsage } from './turn-usage.ts'
import type { CostMeter } from './turn-usage.ts'
import { wireName } from './wire-name.ts'

/** The call that carries the agent's plan; no agent names its own calls so. */
const PLAN_CALL = 'plan-of-this-turn'

export interface NarratorOptions {
  readonly work: Work
  readonly clock: Clock
  readonly onStatus: (text: string) => void
  readonly onPlan: (entries: readonly PlanEntry[]) => void
  readonly meter: CostMeter
  readonly terminals?: ToolCallsOptions['terminals']
}

/** Tells a turn what the agent says, in its order; every promise resolves when there is room for more. */
export class Narrator {
  readonly #options: NarratorOptions
  readonly #tools: ToolCalls
  readonly #usage: TurnUsage
  #plan: string | undefined

  constructor(options: NarratorOptions) {
    this.#options = options
    this.#tools = new ToolCalls(options)
    this.#usage = new TurnUsage(options)
  }

  kindOf(toolCallId: string): string | undefined {
    return this.#tools.kindOf(toolCallId)
  }

  /** The turn is not to go on. */
  get isOver(): boolean {
    return this.#options.work.signal.aborted
  }

  /** Asks people about a call that they have been shown. */
  ask(
    toolCallId: string,
    title: string,
    options: readonly { optionId: string; name: string; kind: string }[],
  ): Promise<Choice | undefined> {
    const question: Question = {
      title,
      options: options.map(({ optionId, name, kind }) => ({ optionId, name, kind: wireName(kind) })),
      toolCall: this.#tools.questionOf(toolCallId),
    }
    return this.#options.work.ask(question)
  }

  async tell(update: AgentUpdate): Promise<void> {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        await this.#tools.announceAll()
        return this.#options.work.response(contentText(update.content))
      case 'agent_thought_chunk':
        await this.#tools.announceAll()
        return this.#options.work.thinking(contentText(update.content))
      case 'tool_call':
        return this.#tools.tell(update, true)
      case 'tool_call_update':
        return this.#tools.tell(update)
      case 'plan':
        return this.#tellPlan(update.entries)
      case 'usage_update':
        return this.#usage.update(update)
      case 'user_message_chunk':
      case 'available_commands_update':
      case 'current_mode_update':
      case 'config_option_update':
        // The turn has its prompt; the others are the session's.
        return
      default:
        return update satisfies never
    }
  }

  /** An agent may ask about a call that it has not announced; viewers should see it before the answer. */
  async tellAsked(tool: AgentTool): Promise<void> {
    await this.#tools.tell(tool)
    await this.#tools.announceAll()
  }

  /** The agent has answered a prompt. */
  async tellAnswered(answer: PromptAnswer): Promise<void> {
    await this.finish()
    this.#usage.add(answer)
  }

  /** Tells what was held back; nothing comes after it by itself. */
  finish(): Promise<void> {
    return this.#tools.finish()
  }

  /** The turn is over: nothing that goes on beside it is told of any more. */
  close(): void {
    this.#tools.close()
  }

  async #tellPlan(entries: readonly PlanEntry[]): Promise<void> {
    const plan = entries.map(checklistItem).join('\n')
    if (plan === this.#plan) return
    const isFirst = this.#plan === undefined
    this.#plan = plan
    this.#options.onPlan(entries)
    const current = entries.find(({ status }) => status === 'in_progress')
    if (current) this.#options.onStatus(`The agent's plan: ${current.content}`)
    await this.#tools.announceAll()
    if (isFirst) {
      const detail = { title: 'Plan', kind: 'think' }
      await this.#options.work.toolCall({ callId: PLAN_CALL, name: 'plan', params: '{}', detail })
    }
    await this.#options.work.toolResult({ callId: PLAN_CALL, response: plan })
  }
}

function checklistItem({ content, status }: PlanEntry): string {
  if (status === 'completed') return `- [x] ${content}`
  return status === 'in_progress' ? `- [ ] **${content}**` : `- [ ] ${content}`
}
