import { Option } from 'commander'
import type { Command } from 'commander'
import { PERMISSION_POLICIES } from '../drone/permission-rules.ts'
import type { PermissionPolicy } from '../drone/permission-rules.ts'
import { TERMINAL_POLICIES } from '../drone/terminals/terminal-policy.ts'
import type { TerminalPolicy } from '../drone/terminals/terminal-policy.ts'
import { withPeerOptions } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'

export interface DroneFlags extends PeerOptions {
  readonly agent: string
  readonly name?: string
  readonly droneId?: string
  readonly workspace?: string
  readonly cwd: string
  readonly capacity: string
  readonly permissions: PermissionPolicy
  readonly terminals: TerminalPolicy
  readonly tmux?: string
  readonly stateDir?: string
  readonly logLevel: string
  readonly json?: boolean
}

/** `drone`: hosts an agent in a folder and takes work orders for it. */
export function addDrone(program: Command): void {
  withPeerOptions(program.command('drone').description('host an agent and take work for it'))
    .requiredOption('--agent <command>', 'an agent that speaks the Agent Client Protocol, or "demo"', 'demo')
    .option('--cwd <path>', 'the folder the agent works in', '.')
    .option(
      '--workspace <id>',
      'the workspace it is known by; by default made from the machine and the folder',
    )
    .option('--name <name>', 'what people see')
    .option('--drone-id <id>', 'a lasting name of its own')
    .option('--capacity <turns>', 'turns at a time', '1')
    .addOption(
      new Option('--permissions <policy>', 'what the agent may do without asking people')
        .choices(PERMISSION_POLICIES)
        .default('ask'),
    )
    .addOption(
      new Option('--terminals <who>', 'whom the drone runs programs in terminals for')
        .choices(TERMINAL_POLICIES)
        .default('agent'),
    )
    .option('--tmux <session>', 'a tmux session that is there, shown beside each chat session')
    .option('--state-dir <path>', 'where accepted orders are written down')
    .option('--log-level <level>', 'error, warn, info or debug', process.env['LOG_LEVEL'] ?? 'info')
    .option('--json', 'log as JSON lines')
    .addHelpText('after', '\nEnvironment: RELAY_URL, RELAY_KEY, DATA_DIR, LOG_LEVEL\n')
    .action(async (flags: DroneFlags) => {
      // What a command does is loaded when it is asked for: most of a start is loading.
      const { runDrone } = await import('./run-drone.ts')
      await runDrone(flags)
    })
}
