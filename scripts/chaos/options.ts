import { Command, InvalidArgumentError, Option } from 'commander'
import { CONTROLS } from './sabotage.ts'
import type { Control } from './sabotage.ts'

export interface ChaosOptions {
  readonly minutes: number
  readonly seed: number
  readonly store: 'lmdb' | 'mongo'
  readonly drones: number
  readonly sessions: number
  readonly control: Control | undefined
  readonly json: string | undefined
  readonly keep: boolean
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.')
  return value
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

export function readOptions(argv: readonly string[]): ChaosOptions {
  const program = new Command('chaos')
    .description(
      'Kills relay, drones and database at any moment, and checks that every acknowledged word is there once and in ' +
        'order, and that every turn ends. Exits with 1 when one did not.',
    )
    .option('--minutes <n>', 'how long faults go on; half a minute is enough for a look', positive, 1)
    .option('--seed <n>', 'chances come again with the same seed; the processes do not', whole, 1)
    .addOption(
      new Option('--store <name>', 'where turns are kept').choices(['lmdb', 'mongo']).default('lmdb'),
    )
    .option('--drones <n>', 'drone processes; default: 6, and 3 with mongo', whole)
    .option('--sessions <n>', 'chat sessions; default: 2 for each drone', whole)
    .addOption(
      new Option(
        '--control <name>',
        'switch one promise of the relay off: exits with 0 only when that is noticed (no-fencing needs two relays on ' +
          'one store, so it runs on mongo)',
      ).choices([...CONTROLS]),
    )
    .option('--json <file>', 'also write the table there')
    .option('--keep', 'keep the folder of the run, whatever came of it', false)
  type Given = Partial<ChaosOptions> & Pick<ChaosOptions, 'minutes' | 'seed' | 'store' | 'keep'>
  const given = program.parse(argv).opts<Given>()
  const store = given.control === 'no-fencing' ? 'mongo' : given.store
  const drones = given.drones ?? (store === 'mongo' ? 3 : 6)
  const { minutes, seed, keep, control, json } = given
  return { minutes, seed, keep, control, json, store, drones, sessions: given.sessions ?? 2 * drones }
}
