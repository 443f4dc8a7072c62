import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AgentHost } from '../../src/drone/agent-host.ts'
import type { AgentHostOptions } from '../../src/drone/agent-host.ts'
import type { Logger } from '../../src/drone/logger.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** By its address, for the agent runs in a workspace that has no tsx. */
const TSX = import.meta.resolve('tsx')

/** Milliseconds for a test that starts agents: tsx compiles each anew, on a machine that may be busy. */
export const SPAWN_MS = 30_000

export class RecordingLogger implements Logger {
  readonly lines: string[] = []
  debug = (line: string) => void this.lines.push(`debug ${line}`)
  info = (line: string) => void this.lines.push(`info ${line}`)
  warn = (line: string) => void this.lines.push(`warn ${line}`)
  error = (line: string) => void this.lines.push(`error ${line}`)

  having(...words: string[]): string[] {
    return this.lines.filter((line) => words.every((word) => line.includes(word)))
  }
}

export interface DemoHost {
  readonly host: AgentHost
  readonly workspace: string
  readonly logger: RecordingLogger
  /** Another host of the same workspace and agent state, as after a restart of the drone. */
  another(options?: Partial<AgentHostOptions>): AgentHost
  stop(): Promise<void>
}

/** A host of the real demo agent, as fast as it is read, in a small workspace of its own. */
export async function startDemoHost(options: Partial<AgentHostOptions> = {}): Promise<DemoHost> {
  const home = await mkdtemp(join(tmpdir(), 'drone-host-'))
  const workspace = await mkdtemp(join(home, 'workspace-'))
  await writeFile(join(workspace, 'README.md'), '# A workspace\n\nIt is about penguins.\n')
  await writeFile(join(workspace, 'notes.txt'), 'one\ntwo penguins\nthree\n')
  const logger = new RecordingLogger()
  const hosts: AgentHost[] = []
  const another = (more: Partial<AgentHostOptions> = {}) => {
    const args = [
      '--import',
      TSX,
      MAIN,
      'demo-agent',
      '--tokens-per-second',
      '0',
      '--state-dir',
      join(home, 'state'),
    ]
    const host = new AgentHost({
      command: process.execPath,
      args,
      cwd: workspace,
      logger,
      ...options,
      ...more,
    })
    hosts.push(host)
    return host
  }
  return {
    host: another(),
    workspace,
    logger,
    another,
    stop: async () => {
      await Promise.all(hosts.map((host) => host.stop()))
      await rm(home, { recursive: true, force: true })
    },
  }
}
