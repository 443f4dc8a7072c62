import type { Command } from 'commander'
import { z } from 'zod'
import { callRelay, printAnswer } from './call-relay.ts'
import type { CallOptions } from './call-relay.ts'
import { withPeerOptions } from './peer-options.ts'

const fleet = z.object({
  drones: z.array(
    z.object({
      registrationId: z.string(),
      droneId: z.string(),
      name: z.string(),
      user: z.string(),
      state: z.string(),
      turns: z.array(z.string()),
      quarantine: z.string().optional(),
    }),
  ),
})

interface Flags extends CallOptions {
  readonly reason: string
}

/** `drones`: the fleet of a running relay, and who of it gets no work, with an operator's key. */
export function addDrones(program: Command): void {
  const drones = program.command('drones').description('the fleet, and who of it gets no work')
  withPeerOptions(drones.command('list', { isDefault: true }).description('every drone and its state'))
    .option('--json', 'as JSON')
    .action(async (options: CallOptions) => list(options))
  for (const [action, does] of [
    ['quarantine', 'give a drone no work until it is released'],
    ['release', 'give a drone work again'],
  ] as const) {
    withPeerOptions(drones.command(action).description(does).argument('<registrationId>'))
      .requiredOption('--reason <text>', 'why: it is written down')
      .option('--json', 'as JSON')
      .action(async (registrationId: string, { reason, ...options }: Flags) => {
        const path = `/drones/${encodeURIComponent(registrationId)}/${action}`
        await callRelay(options, 'ops', 'POST', path, { reason })
        printAnswer(options, { registrationId, action }, [`Done: ${action} ${registrationId}.`])
      })
  }
}

async function list(options: CallOptions): Promise<void> {
  const { drones } = fleet.parse(await callRelay(options, 'ops', 'GET', '/drones'))
  const lines = drones.map(({ registrationId, name, user, state, turns, quarantine }) =>
    [registrationId, state.padEnd(11), user.padEnd(12), name, turns.join(','), quarantine ?? '']
      .join('  ')
      .trimEnd(),
  )
  printAnswer(options, { drones }, lines)
}
