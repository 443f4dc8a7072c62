// Runs one prompt turn of the real opencode against the fake model and prints what it sends:
//   node --import tsx scripts/services/opencode-check.ts
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { client, ndJsonStream, type PromptRequest, type SessionUpdate } from '@agentclientprotocol/sdk'
import { DEFAULT_REPLIES, startFakeOpenai } from './fake-openai.ts'
import { installOpencode, opencodeConfig, opencodeEnv } from './opencode.ts'

/** Milliseconds for the whole turn: about 4 s here, most of it opencode's own start. */
const TURN_MS = 120_000

const binary = await installOpencode()
const folder = await mkdtemp(join(tmpdir(), 'drone-relay-opencode-'))
const workspace = join(folder, 'workspace')
await mkdir(workspace)
await writeFile(join(workspace, 'notes.md'), 'one 🚀\ntwo\n')
const fake = await startFakeOpenai()
await opencodeConfig(workspace, fake.url)

const agent = spawn(binary, ['acp'], {
  cwd: workspace,
  env: opencodeEnv(join(folder, 'home')),
  stdio: ['pipe', 'pipe', 'inherit'],
  timeout: TURN_MS,
})
const ended = once(agent, 'close')
let answer = ''
const print = (what: string, value: unknown): void => console.log(`${what} ${JSON.stringify(value)}`)
const onUpdate = (update: SessionUpdate): void => {
  print('session/update', update)
  if (update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text')
    answer += update.content.text
}

try {
  const stopReason = await client({ name: 'opencode-check' })
    .onNotification('session/update', ({ params }) => onUpdate(params.update))
    .onRequest('session/request_permission', ({ params }) => {
      print('session/request_permission', params)
      return { outcome: { outcome: 'cancelled' } }
    })
    .connectWith(ndJsonStream(Writable.toWeb(agent.stdin), Readable.toWeb(agent.stdout)), async (context) => {
      print('initialize', await context.request('initialize', { protocolVersion: 1, clientCapabilities: {} }))
      const session = await context.request('session/new', { cwd: workspace, mcpServers: [] })
      print('session/new', session)
      const request: PromptRequest = {
        sessionId: session.sessionId,
        prompt: [{ type: 'text', text: 'What do the notes say?' }],
      }
      const result = await context.request('session/prompt', request)
      print('session/prompt', result)
      return result.stopReason
    })
  const expected = DEFAULT_REPLIES.map((reply) => reply.text ?? '').join('')
  const good = stopReason === 'end_turn' && answer === expected
  console.log(
    good ? 'opencode gave the whole answer.' : `opencode gave another answer: ${JSON.stringify(answer)}`,
  )
  process.exitCode = good ? 0 : 1
} finally {
  agent.kill()
  await ended
  await fake.stop()
  await rm(folder, { recursive: true, force: true })
}
