import { setTimeout as pause } from 'node:timers/promises'
import type { AgentContext, SessionUpdate } from '@agentclientprotocol/sdk'
import { methods } from '@agentclientprotocol/sdk'

export interface DemoVoiceOptions {
  readonly client: AgentContext
  readonly sessionId: string
  /** 0: as fast as it is read. */
  readonly tokensPerSecond: number
  readonly signal: AbortSignal
}

/** What the demo agent says in a turn: words at a set rate, and nothing once it is cancelled. */
export class DemoVoice {
  readonly #options: DemoVoiceOptions
  #spoken = ''
  #tokens = 0

  constructor(options: DemoVoiceOptions) {
    this.#options = options
  }

  /** The answer so far, without the thinking. */
  get spoken(): string {
    return this.#spoken
  }

  get tokens(): number {
    return this.#tokens
  }

  async say(update: SessionUpdate): Promise<void> {
    const { client, sessionId, signal } = this.#options
    signal.throwIfAborted()
    await client.notify(methods.client.session.update, { sessionId, update })
  }

  think(text: string): Promise<void> {
    return this.#stream('agent_thought_chunk', text)
  }

  async answer(text: string): Promise<void> {
    await this.#stream('agent_message_chunk', text)
    this.#spoken += text
  }

  async #stream(sessionUpdate: 'agent_thought_chunk' | 'agent_message_chunk', text: string): Promise<void> {
    const { tokensPerSecond, signal } = this.#options
    let due = performance.now()
    // Words with the space before them: no emoji is ever cut.
    for (const token of text.match(/\s*\S+\s*$|\s*\S+|\s+/g) ?? []) {
      await this.say({ sessionUpdate, content: { type: 'text', text: token } })
      this.#tokens++
      if (tokensPerSecond === 0) continue
      due += 1000 / tokensPerSecond
      const waitMs = due - performance.now()
      if (waitMs > 0) await pause(waitMs, undefined, { signal })
    }
  }
}
