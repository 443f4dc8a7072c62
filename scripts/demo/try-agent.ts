/**
 * One prompt to one agent, without a relay, to see whether an agent works with the drone:
 *
 *   node --import tsx scripts/demo/try-agent.ts "Where are penguins?"                         the demo agent, here
 *   node --import tsx scripts/demo/try-agent.ts --agent "opencode acp" "What is this?"        any agent that speaks ACP
 *   node --import tsx scripts/demo/try-agent.ts --opencode "Read the notes"                   opencode with a fake model
 */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseAgentCommand } from '../../src/drone/agent-command.ts'
import { AgentHost } from '../../src/drone/agent-host.ts'
import type { AgentHostOptions } from '../../src/drone/agent-host.ts'
import { startFakeOpenai } from '../services/fake-openai.ts'
import { installOpencode, opencodeConfig } from '../services/opencode.ts'
import { PrintedWork } from './printed-work.ts'

type Agent = Pick<AgentHostOptions, 'command' | 'args' | 'cwd' | 'env'>

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    agent: { type: 'string' },
    opencode: { type: 'boolean' },
    cwd: { type: 'string', default: process.cwd() },
    session: { type: 'string' },
    model: { type: 'string' },
  },
})

/** opencode keeps its state in a folder of the trial, and asks a model that only repeats what it was told. */
async function opencodeWithFakeModel(baseUrl: string): Promise<Agent> {
  const home = await mkdtemp(join(tmpdir(), 'try-opencode-'))
  const cwd = await mkdtemp(join(home, 'workspace-'))
  await writeFile(join(cwd, 'notes.md'), 'one\ntwo\n')
  await opencodeConfig(cwd, baseUrl)
  const folders = {
    HOME: home,
    XDG_DATA_HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_STATE_HOME: home,
    XDG_CACHE_HOME: home,
  }
  return {
    command: await installOpencode(),
    args: ['acp'],
    cwd,
    env: { ...process.env, ...folders },
  }
}

function demoAgent(): Agent {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const args = ['--import', import.meta.resolve('tsx'), main, 'demo-agent']
  return { command: process.execPath, args, cwd: values.cwd }
}

const fake = values.opencode ? await startFakeOpenai({ deltaMs: 5 }) : undefined
const named = values.agent && { ...parseAgentCommand(values.agent), cwd: values.cwd }
const agent = fake ? await opencodeWithFakeModel(fake.url) : named || demoAgent()
const log = (line: string) => console.error(`\n[${line}]`)
const host = new AgentHost({
  ...agent,
  logger: { debug: () => {}, info: log, warn: log, error: log },
  onManifest: (manifest) => log(`manifest ${JSON.stringify(manifest)}`),
  onAgentSession: (chatSessionId, agentSessionId) =>
    log(`${chatSessionId} is ${agentSessionId} to the agent`),
  onStatus: log,
})
const { session, model } = values
const work = new PrintedWork({
  prompt: positionals.join(' ') || 'What is in this workspace?',
  ...(session ? { agentSessionId: session } : {}),
  ...(model ? { model } : {}),
})
process.once('SIGINT', () => work.abort())
await host.work(work)
await host.stop()
await fake?.stop()
