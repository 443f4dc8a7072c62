import type { Command } from 'commander'
import { OPTIONS } from '../config.ts'
import { EXIT, ExitError } from './exit.ts'
import { readFirstKeys } from './first-keys.ts'
import type { FirstKeys } from './first-keys.ts'

export interface PeerOptions {
  readonly url: string
  readonly key?: string
  readonly dataDir: string
}

/** The flags of every command that talks to a relay. */
export function withPeerOptions(command: Command): Command {
  const { dataDir, host, port } = OPTIONS
  const url = process.env['RELAY_URL'] ?? `http://${host.default}:${process.env['PORT'] ?? port.default}`
  return command
    .option('--url <url>', 'the relay (RELAY_URL)', url)
    .option('--key <key>', 'the key (RELAY_KEY); without one, that of the first start in --data-dir')
    .option(
      '--data-dir <path>',
      'where a relay on this machine has its data',
      process.env['DATA_DIR'] ?? dataDir.default,
    )
}

/** The key to come in with: as given, else from the environment, else the one that the first start wrote. */
export async function keyFor(kind: keyof FirstKeys, options: PeerOptions): Promise<string> {
  const given = options.key ?? process.env['RELAY_KEY']
  if (given !== undefined && given !== '') return given
  const first = await readFirstKeys(options.dataDir)
  if (first) return first[kind]
  throw new ExitError(
    EXIT.usage,
    `No key: give --key or RELAY_KEY, or name the relay's data folder with --data-dir (there is no keys.json in ${options.dataDir}).`,
  )
}
