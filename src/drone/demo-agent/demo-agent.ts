import { homedir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { ndJsonStream } from '@agentclientprotocol/sdk'
import { demoApp } from './demo-app.ts'
import { DemoSessions } from './demo-sessions.ts'

export interface DemoAgentOptions {
  /** 0: as fast as it is read. */
  readonly tokensPerSecond: number
  /** Where its sessions are kept. Default: a folder of the user's state. */
  readonly stateDir?: string | undefined
}

/**
 * An agent without a model, spoken to in ACP over this process's stdio; resolves when its client is gone. It really looks
 * at its workspace, and never writes into it. Words in the prompt steer it: see demo-wishes.ts.
 */
export async function runDemoAgent({ tokensPerSecond, stateDir }: DemoAgentOptions): Promise<void> {
  const stateHome = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  const sessions = new DemoSessions(stateDir ?? join(stateHome, 'drone-relay', 'demo-agent'))
  const stdin = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>
  const output = ndJsonStream(Writable.toWeb(process.stdout), stdin)
  await demoApp({ sessions, tokensPerSecond }).connect(output).closed
}
