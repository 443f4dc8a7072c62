import type { ContentBlock } from '@agentclientprotocol/sdk'
import type { Work } from '../client/work.ts'
import type { AgentConnection } from './agent-connection.ts'
import { promptAnswer } from './agent-answer.ts'
import type { AgentSession } from './agent-session.ts'
import type { PlanEntry } from './agent-update.ts'
import type { Clock } from './clock.ts'
import { Narrator } from './narrator.ts'
import type { NarratorOptions } from './narrator.ts'
import { promptContent } from './prompt-content.ts'
import { turnEnd } from './turn-end.ts'
import type { TurnEnd } from './turn-end.ts'

/** Milliseconds an agent gets to end a cancelled turn: it may have to stop a command, or wait for its model. */
export const CANCEL_MS = 10_000

export interface AgentTurnOptions {
  readonly work: Work
  readonly agent: Pick<AgentConnection, 'abilities' | 'prompt' | 'ask' | 'cancel' | 'kill' | 'heldUp'>
  readonly session: AgentSession
  readonly clock: Clock
  readonly cancelMs: number
  readonly onStatus: (text: string) => void
  /** What the agent plans; nothing when it begins. */
  readonly onPlan: (entries: readonly PlanEntry[]) => void
  readonly terminals?: NarratorOptions['terminals']
}

/** A message that the agent has not been told yet. */
interface WaitingSteer {
  readonly text: string
  readonly take: () => void
}

/** One work order, as prompts to the agent: the order's own, and one for each batch of steers that came meanwhile. */
export class AgentTurn {
  readonly #options: AgentTurnOptions
  readonly #narrator: Narrator
  readonly #steers: WaitingSteer[] = []
  #takeBackKill = () => {}

  constructor(options: AgentTurnOptions) {
    this.#options = options
    this.#narrator = new Narrator({ ...options, meter: options.session.meter })
  }

  async run(): Promise<void> {
    const { work, onPlan } = this.#options
    onPlan([])
    this.#hearSteers()
    const end = await this.#untilEnd()
    // Nobody listens for the abort any more: a turn that is over aborts its signal, too.
    if (end) await work.complete(end.success, end.reason)
  }

  /** The turn's end; undefined when it was aborted. */
  async #untilEnd(): Promise<TurnEnd | undefined> {
    const { work, session } = this.#options
    const cancel = () => this.#cancel()
    work.signal.addEventListener('abort', cancel, { once: true })
    session.narrator = this.#narrator
    try {
      return await this.#prompts()
    } finally {
      // Also what an agent said before it failed is told, before the turn's end.
      await this.#narrator.finish()
      this.#narrator.close()
      session.narrator = undefined
      work.signal.removeEventListener('abort', cancel)
      this.#takeBackKill()
    }
  }

  async #prompts(): Promise<TurnEnd | undefined> {
    const { work, agent, session } = this.#options
    await session.choose(agent, work.order)
    let prompt = promptContent(work.order, agent.abilities.promptCapabilities, session.isFresh)
    session.isFresh = false
    while (!work.signal.aborted) {
      const answer = await agent.prompt({ sessionId: session.id, prompt }, promptAnswer)
      await this.#narrator.tellAnswered(answer)
      const end = turnEnd(answer.stopReason)
      // ACP has no word for a steer: it is the next prompt of the same turn.
      if (!end.success || this.#steers.length === 0) return end
      prompt = this.#steers.splice(0).map(({ text, take }): ContentBlock => {
        take()
        return { type: 'text', text }
      })
    }
    return undefined
  }

  /** Those of the order are in its prompt, and may be told again; a steer may also come twice after a reconnect. */
  #hearSteers(): void {
    const { work } = this.#options
    const known = new Set(work.order.steers?.map(({ messageId }) => messageId))
    work.onSteer(({ messageId, text }) => {
      if (known.has(messageId)) return 'next'
      known.add(messageId)
      return new Promise((resolve) => this.#steers.push({ text, take: () => resolve('next') }))
    })
  }

  #cancel(): void {
    void this.#options.agent.cancel(this.#options.session.id)
    this.#killLater()
  }

  #killLater(): void {
    const { agent, clock, cancelMs } = this.#options
    this.#takeBackKill = clock.after(cancelMs, () => {
      // Its answer may wait behind what another turn has no room for yet.
      if (agent.heldUp) this.#killLater()
      else agent.kill(`it did not end a cancelled turn within ${cancelMs} ms`)
    })
  }
}
