import { PROTOCOL_VERSION, RequestError, agent, methods } from '@agentclientprotocol/sdk'
import type {
  AgentApp,
  AgentContext,
  PromptRequest,
  PromptResponse,
  SessionConfigOption,
  SessionModeState,
} from '@agentclientprotocol/sdk'
import { DEMO_COMMANDS, configOptions, rateOf, sessionModes } from './demo-options.ts'
import type { DemoSession, DemoSessions } from './demo-sessions.ts'
import { DemoTools } from './demo-tools.ts'
import { demoTurn } from './demo-turn.ts'
import { DemoVoice } from './demo-voice.ts'
import { demoPrompt } from './demo-wishes.ts'
import { DemoWorkspace } from './demo-workspace.ts'

export interface DemoAppOptions {
  readonly sessions: DemoSessions
  readonly tokensPerSecond: number
}

/** The demo agent as the SDK serves it. */
export function demoApp({ sessions, tokensPerSecond }: DemoAppOptions): AgentApp {
  const running = new Map<string, AbortController>()

  const sessionOf = (id: string): DemoSession => {
    const session = sessions.find(id)
    if (!session) throw RequestError.resourceNotFound(id)
    return session
  }
  const prompt = async (params: PromptRequest, client: AgentContext): Promise<PromptResponse> => {
    const session = sessionOf(params.sessionId)
    const cancel = new AbortController()
    running.set(session.id, cancel)
    const { text, wishes } = demoPrompt(params.prompt)
    const signal = wishes.stubborn ? new AbortController().signal : cancel.signal
    const rate = rateOf(session.model, tokensPerSecond) * (wishes.slow ? 0.1 : 1)
    const voice = new DemoVoice({ client, sessionId: session.id, tokensPerSecond: rate, signal })
    const tools = new DemoTools({ voice, client, sessionId: session.id })
    session.messages.push({ role: 'user', text })
    const nth = session.messages.filter(({ role }) => role === 'user').length
    const workspace = new DemoWorkspace(session.cwd)
    try {
      await demoTurn({ prompt: text, nth, wishes, voice, tools, workspace, signal })
    } catch (error) {
      if (!signal.aborted) throw error
      return { stopReason: 'cancelled' }
    } finally {
      running.delete(session.id)
      session.messages.push({ role: 'assistant', text: voice.spoken })
      await sessions.save(session)
    }
    const used = session.messages.reduce((sum, message) => sum + Math.ceil(message.text.length / 4), 0)
    await voice.say({ sessionUpdate: 'usage_update', used, size: 100_000 })
    // Not in the stable protocol yet, but agents send it.
    const usage = {
      inputTokens: Math.max(used - voice.tokens, 0),
      outputTokens: voice.tokens,
      totalTokens: used,
    }
    const answer: PromptResponse & { usage: object } = { stopReason: 'end_turn', usage }
    return answer
  }

  return agent({ name: 'demo-agent' })
    .onRequest(methods.agent.initialize, () => ({
      protocolVersion: PROTOCOL_VERSION,
      agentInfo: { name: 'demo-agent', version: '1' },
      agentCapabilities: { loadSession: true, promptCapabilities: { image: true, embeddedContext: true } },
    }))
    .onRequest(methods.agent.session.new, async ({ params, client }) => {
      const session = await sessions.create(params.cwd)
      return { sessionId: session.id, ...opened(client, session) }
    })
    .onRequest(methods.agent.session.load, async ({ params, client }) => {
      const session = await sessions.load(params.sessionId, params.cwd)
      if (!session) throw RequestError.resourceNotFound(params.sessionId)
      await replay(client, session)
      return opened(client, session)
    })
    .onRequest(methods.agent.session.setMode, async ({ params, client }) => {
      const session = sessionOf(params.sessionId)
      session.mode = params.modeId
      const update = { sessionUpdate: 'current_mode_update', currentModeId: params.modeId } as const
      await client.notify(methods.client.session.update, { sessionId: session.id, update })
    })
    .onRequest(methods.agent.session.setConfigOption, ({ params }) => {
      const session = sessionOf(params.sessionId)
      if (params.configId === 'model' && typeof params.value === 'string') session.model = params.value
      return { configOptions: configOptions(session.model) }
    })
    .onRequest(methods.agent.session.prompt, ({ params, client }) => prompt(params, client))
    .onNotification(methods.agent.session.cancel, ({ params }) => running.get(params.sessionId)?.abort())
}

/** What the answer to session/new and session/load says. */
function opened(
  client: AgentContext,
  session: DemoSession,
): { modes: SessionModeState; configOptions: SessionConfigOption[] } {
  const update = { sessionUpdate: 'available_commands_update' as const, availableCommands: DEMO_COMMANDS }
  void client.notify(methods.client.session.update, { sessionId: session.id, update })
  return { modes: sessionModes(session.mode), configOptions: configOptions(session.model) }
}

async function replay(client: AgentContext, session: DemoSession): Promise<void> {
  for (const { role, text } of session.messages) {
    const sessionUpdate = role === 'user' ? 'user_message_chunk' : 'agent_message_chunk'
    const update = { sessionUpdate, content: { type: 'text', text } } as const
    await client.notify(methods.client.session.update, { sessionId: session.id, update })
  }
}
