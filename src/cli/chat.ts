import type { Command } from 'commander'
import { withPeerOptions } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'

export interface ChatFlags extends PeerOptions {
  readonly session?: string
  readonly workspace?: string
  readonly drone?: string
  readonly model?: string
  readonly attach?: string[]
  readonly queue?: boolean
  readonly steer?: boolean
  readonly json?: boolean
}

export interface WatchFlags extends PeerOptions {
  readonly replay?: string
  readonly speed: string
  readonly untilEnd?: boolean
  readonly json?: boolean
}

/** `chat` and `watch`: the two that show a turn as it comes. */
export function addChat(program: Command): void {
  withPeerOptions(
    program.command('chat').description('send a message and watch the answer').argument('<message>'),
  )
    .option('--session <id>', 'go on with this chat session')
    .option('--workspace <id>', 'a drone of this workspace')
    .option('--drone <id>', 'this very drone')
    .option('--model <id>', 'the model to use')
    .option('--attach <file...>', 'files that go with the message')
    .option('--queue', 'wait for the end of a turn that is going on')
    .option('--steer', 'into the turn that is going on: its agent takes it when it can')
    .option('--json', 'one JSON line for each thing that happens')
    .addHelpText(
      'after',
      '\nEnvironment: RELAY_URL, RELAY_KEY, DATA_DIR. Ctrl-C stops watching, not the turn.\n',
    )
    .action(async (message: string, flags: ChatFlags) => {
      const { chat } = await import('./run-chat.ts')
      await chat(message, flags)
    })
  withPeerOptions(program.command('watch').description('watch a chat session live').argument('[session]'))
    .option('--until-end', 'leave when the turn has ended')
    .option('--replay <turn>', 'show a turn again, as it was said')
    .option('--speed <times>', 'how much faster than it was said', '1')
    .option('--json', 'one JSON line for each thing that happens')
    .addHelpText(
      'after',
      '\nWithout a session: the one that changed last.\nEnvironment: RELAY_URL, RELAY_KEY, DATA_DIR\n',
    )
    .action(async (session: string | undefined, flags: WatchFlags) => {
      if (flags.replay !== undefined) {
        const { replay } = await import('./replay.ts')
        await replay(flags.replay, flags)
        return
      }
      const { watch } = await import('./run-chat.ts')
      await watch(session, flags)
    })
}
