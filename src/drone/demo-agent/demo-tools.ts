import type { AgentContext, ToolCallContent, ToolCallUpdate, ToolKind } from '@agentclientprotocol/sdk'
import { methods } from '@agentclientprotocol/sdk'
import type { DemoVoice } from './demo-voice.ts'

export interface DemoToolStart {
  readonly name: string
  readonly title: string
  readonly kind: ToolKind
  readonly input: object
  readonly path?: string
}

/** The demo agent's tool calls: announced, shown while they run, ended. */
export class DemoTools {
  readonly #voice: DemoVoice
  readonly #client: AgentContext
  readonly #sessionId: string
  #calls = 0

  constructor(options: { voice: DemoVoice; client: AgentContext; sessionId: string }) {
    this.#voice = options.voice
    this.#client = options.client
    this.#sessionId = options.sessionId
  }

  /** Announces a call; the answer is its id. */
  async start({ name, title, kind, input, path }: DemoToolStart): Promise<string> {
    const toolCallId = `demo-${++this.#calls}-${name}`
    await this.#voice.say({
      sessionUpdate: 'tool_call',
      toolCallId,
      name,
      title,
      kind,
      status: 'in_progress',
      rawInput: input,
      ...(path ? { locations: [{ path }] } : {}),
    })
    return toolCallId
  }

  update(toolCallId: string, fields: Omit<ToolCallUpdate, 'toolCallId'>): Promise<void> {
    return this.#voice.say({ sessionUpdate: 'tool_call_update', toolCallId, ...fields })
  }

  end(toolCallId: string, text: string, status: 'completed' | 'failed' = 'completed'): Promise<void> {
    return this.update(toolCallId, { status, content: [textContent(text)] })
  }

  /** Asks the user; what is not allowed is refused. */
  async mayDo(toolCall: ToolCallUpdate): Promise<boolean> {
    const { outcome } = await this.#client.request(methods.client.session.requestPermission, {
      sessionId: this.#sessionId,
      toolCall,
      options: [
        { optionId: 'once', name: 'Allow once', kind: 'allow_once' },
        { optionId: 'always', name: 'Allow always', kind: 'allow_always' },
        { optionId: 'no', name: 'Refuse', kind: 'reject_once' },
      ],
    })
    return outcome.outcome === 'selected' && outcome.optionId !== 'no'
  }
}

export function textContent(text: string): ToolCallContent {
  return { type: 'content', content: { type: 'text', text } }
}
