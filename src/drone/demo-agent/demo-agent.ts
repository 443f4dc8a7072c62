#!/usr/bin/env node
/**
 * An agent without a model: `node demo-agent.js [--tokens-per-second 60] [--state-dir DIR]`, spoken to in ACP over
 * stdio. It really looks at its workspace, and never writes into it. Words in the prompt steer it: see demo-wishes.ts.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { ndJsonStream } from '@agentclientprotocol/sdk'
import { demoApp } from './demo-app.ts'
import { DemoSessions } from './demo-sessions.ts'

const { values } = parseArgs({
  options: { 'tokens-per-second': { type: 'string', default: '60' }, 'state-dir': { type: 'string' } },
})
const tokensPerSecond = Number(values['tokens-per-second'])
if (!(tokensPerSecond >= 0)) {
  process.stderr.write('--tokens-per-second takes a number; 0 means as fast as it is read.\n')
  process.exit(2)
}
const stateHome = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
const sessions = new DemoSessions(values['state-dir'] ?? join(stateHome, 'drone-relay', 'demo-agent'))
const stdin = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>
const connection = demoApp({ sessions, tokensPerSecond }).connect(
  ndJsonStream(Writable.toWeb(process.stdout), stdin),
)
// Its client is gone when stdin ends: a turn that still runs has no listener.
await connection.closed
process.exit(0)
