import type { Command } from 'commander'
import { z } from 'zod'
import { callRelay, printAnswer } from './call-relay.ts'
import type { CallOptions } from './call-relay.ts'
import { withPeerOptions } from './peer-options.ts'

const retried = z.object({ attempt: z.number() })
const answered = z.object({ optionId: z.string().nullable(), by: z.string().optional() })
const stopped = z.object({ turnId: z.string(), status: z.string() })

/** `retry` and `stop`: the yes and the no to a turn. `answer`: what an agent asked. */
export function addTurns(program: Command): void {
  withPeerOptions(
    program
      .command('retry')
      .description('try a turn again that waits for a yes, has failed or was stopped')
      .argument('<turn>'),
  )
    .option('--json', 'as JSON')
    .action(async (turnId: string, options: CallOptions) => {
      const path = `/turns/${encodeURIComponent(turnId)}/retry`
      const { attempt } = retried.parse(await callRelay(options, 'code', 'POST', path))
      printAnswer(options, { turnId, attempt }, [`Turn ${turnId} is tried again: attempt ${attempt}.`])
    })
  withPeerOptions(program.command('stop').description('end a turn now').argument('<turn>'))
    .option('--json', 'as JSON')
    .action(async (turnId: string, options: CallOptions) => {
      const path = `/turns/${encodeURIComponent(turnId)}/abort`
      const { status } = stopped.parse(await callRelay(options, 'code', 'POST', path))
      printAnswer(options, { turnId, status }, [`Turn ${turnId} is ${status}.`])
    })
  withPeerOptions(
    program
      .command('answer')
      .description('answer what an agent asks; the first answer counts')
      .argument('<drone>')
      .argument('<request>')
      .argument('<option>'),
  )
    .option('--json', 'as JSON')
    .action(async (droneId: string, requestId: string, wanted: string, options: CallOptions) => {
      const body = { droneId, requestId, optionId: wanted }
      const answer = answered.parse(await callRelay(options, 'code', 'POST', '/permissions', body))
      const { optionId, by = 'Somebody' } = answer
      printAnswer(options, answer, [
        optionId === null ? 'Nobody chose in time: it was refused.' : `${by} chose ${optionId}.`,
      ])
    })
}
