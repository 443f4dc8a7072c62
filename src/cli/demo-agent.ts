import type { Command } from 'commander'
import { EXIT, ExitError } from './exit.ts'

interface Flags {
  readonly tokensPerSecond: string
  readonly stateDir?: string
}

/** `demo-agent`: what `drone --agent demo` hosts, for any other client of the Agent Client Protocol. */
export function addDemoAgent(program: Command): void {
  program
    .command('demo-agent')
    .description('an agent without a model, for trying things out: speaks ACP over stdin and stdout')
    .option('--tokens-per-second <n>', 'how fast it speaks; 0 is as fast as it is read', '60')
    .option('--state-dir <path>', 'where its sessions are kept')
    .action(async ({ tokensPerSecond, stateDir }: Flags) => {
      const rate = Number(tokensPerSecond)
      if (!(rate >= 0)) throw new ExitError(EXIT.usage, '--tokens-per-second takes a number, 0 or more.')
      const { runDemoAgent } = await import('../drone/demo-agent/demo-agent.ts')
      await runDemoAgent({ tokensPerSecond: rate, stateDir })
      // A turn that still runs has no listener.
      process.exit(0)
    })
}
