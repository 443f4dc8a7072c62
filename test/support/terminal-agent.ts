import { Readable, Writable } from 'node:stream'
import { PROTOCOL_VERSION, RequestError, agent, methods, ndJsonStream } from '@agentclientprotocol/sdk'
import type {
  AgentContext,
  PromptRequest,
  TerminalOutputRequest,
  TerminalOutputResponse,
} from '@agentclientprotocol/sdk'
import { until } from './until.ts'

/** Longer than a program takes to say what it is ended after. */
const SAID_MS = 20_000

/** What its prompt, as JSON, has it do. */
export interface TerminalWish {
  readonly command: string
  readonly args?: string[]
  readonly cwd?: string
  readonly outputByteLimit?: number
  /** Ends it once it has said this. */
  readonly killAfter?: string
  /** Asks about a terminal that is none, in its place. */
  readonly unknown?: boolean
}

/** An agent in a process of its own that runs a program in a terminal of its client and answers with what it got. */
async function prompt({ sessionId, prompt: blocks }: PromptRequest, client: AgentContext): Promise<void> {
  const [block] = blocks
  const { unknown, killAfter, ...wish } = JSON.parse(
    block?.type === 'text' ? block.text : '{}',
  ) as TerminalWish
  const say = (update: object) => client.notify(methods.client.session.update, { sessionId, update } as never)
  try {
    const { terminalId } = unknown
      ? { terminalId: 'nowhere' }
      : await client.request(methods.client.terminal.create, { sessionId, ...wish })
    const which = { sessionId, terminalId }
    const content = [{ type: 'terminal', terminalId }]
    const call = { toolCallId: 'run', title: 'run it', kind: 'execute', rawInput: { command: wish.command } }
    await say({ sessionUpdate: 'tool_call', ...call, status: 'in_progress', content })
    if (killAfter !== undefined) {
      const isSaid = async () => (await outputOf(client, which)).output.includes(killAfter)
      await until(`the program says ${killAfter}`, SAID_MS, isSaid)
      await client.request(methods.client.terminal.kill, which)
    }
    const exit = await client.request(methods.client.terminal.waitForExit, which)
    const output = await outputOf(client, which)
    await client.request(methods.client.terminal.release, which)
    await say({ sessionUpdate: 'tool_call_update', toolCallId: 'run', status: 'completed' })
    await answer(say, { exit, output })
  } catch (error) {
    const message = error instanceof RequestError ? error.message : String(error)
    await answer(say, { error: message })
  }
}

function outputOf(client: AgentContext, which: TerminalOutputRequest): Promise<TerminalOutputResponse> {
  return client.request(methods.client.terminal.output, which)
}

async function answer(say: (update: object) => Promise<unknown>, value: object): Promise<void> {
  await say({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: JSON.stringify(value) } })
}

let mayRun = false
agent({ name: 'terminal-agent' })
  .onRequest(methods.agent.initialize, ({ params }) => {
    mayRun = params.clientCapabilities?.terminal === true
    return { protocolVersion: PROTOCOL_VERSION, agentCapabilities: {} }
  })
  .onRequest(methods.agent.session.new, () => ({ sessionId: mayRun ? 'may' : 'may not' }))
  .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
    await prompt(params, client)
    return { stopReason: 'end_turn' as const }
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)))
