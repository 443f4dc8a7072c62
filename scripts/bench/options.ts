import { Command, InvalidArgumentError, Option } from 'commander'

/** What the relay costs while it works. */
const COSTS = ['steady', 'long-turn', 'joins'] as const
/** What it needs besides, and how it fares when something goes wrong: these start their own relays. */
const LONE = [
  'curve',
  'idle',
  'start',
  'blocks',
  'acks',
  'restart',
  'frozen',
  'store-away',
  'dead-drone',
  'stalls',
  'rejoins',
  'search',
  'terminals',
] as const
export type CostScenario = (typeof COSTS)[number]
export type LoneScenario = (typeof LONE)[number]

export interface BenchOptions {
  readonly scenario: CostScenario | LoneScenario
  readonly store: 'lmdb' | 'mongo'
  readonly drones: number
  readonly rate: number
  readonly seconds: number
  readonly warmup: number
  readonly rounds: number
  readonly viewers: number
  readonly tokenBytes: number
  readonly repeat: number
  readonly pairs: number
  readonly turns: number
  readonly smallMb: number
  readonly largeMb: number
  readonly plain: boolean
  readonly baselines: boolean
  readonly crews: number
  readonly users: number
  readonly joins: number
  readonly downMs: number
  readonly only: string | undefined
  readonly json: string | undefined
  readonly cpuProf: string | undefined
}

/** What `--quick` makes of the numbers that were not given: something in well under a minute. */
const QUICK = {
  drones: 5,
  seconds: 6,
  warmup: 2,
  rounds: 1,
  repeat: 2,
  smallMb: 0.1,
  largeMb: 1,
  pairs: 100,
  turns: 20_000,
} as const

/** Where a scenario wants other numbers than `steady`. The rate is of all drones together in these. */
const DEFAULTS: Partial<Record<BenchOptions['scenario'], Partial<BenchOptions>>> = {
  curve: { seconds: 10 },
  acks: { rate: 2000, seconds: 20 },
  restart: { drones: 1000, rate: 400, rounds: 3, warmup: 4 },
  frozen: { drones: 200, seconds: 10, warmup: 3 },
  'store-away': { store: 'mongo', drones: 200, rate: 400, seconds: 30 },
  stalls: { drones: 200, rate: 400, rounds: 5, warmup: 2 },
  'dead-drone': { drones: 50, rate: 50, rounds: 2, warmup: 2 },
}

export function isLone(scenario: BenchOptions['scenario']): scenario is LoneScenario {
  return LONE.some((name) => name === scenario)
}

/** The others measure one thing, and less of it would measure another. */
function isQuick(scenario: BenchOptions['scenario']): boolean {
  return !isLone(scenario) || scenario === 'idle' || scenario === 'start' || scenario === 'search'
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.')
  return value
}

function from0(text: string): number {
  const value = Number(text)
  if (!(value >= 0)) throw new InvalidArgumentError('It must be a number, 0 or above.')
  return value
}

function whole(text: string): number {
  const value = positive(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

export function readOptions(argv: readonly string[]): BenchOptions {
  const program = new Command('bench')
    .description(
      'What the relay costs for each token, beside a bare Socket.IO and a bare WebSocket forwarder. ' +
        'Exits with 1 when a word was lost, repeated or changed.',
    )
    .addOption(
      new Option('--scenario <name>', 'what is measured').choices([...COSTS, ...LONE]).default('steady'),
    )
    .addOption(
      new Option('--store <name>', 'where turns are kept').choices(['lmdb', 'mongo']).default('lmdb'),
    )
    .option('--drones <n>', 'steady: drones that speak at the same time', whole, 20)
    .option(
      '--rate <n>',
      'tokens a second of one drone; of all together where faults are measured',
      positive,
      60,
    )
    .option('--seconds <n>', 'steady: measured seconds of each server, all rounds together', positive, 60)
    .option('--warmup <n>', 'steady: seconds before the measured ones, in each round', positive, 5)
    .option('--rounds <n>', 'steady: the servers take turns this often', whole, 3)
    .option('--viewers <n>', 'steady: viewers of each drone', whole, 1)
    .option('--token-bytes <n>', 'characters of a token, all ASCII', whole, 7)
    .option(
      '--repeat <n>',
      'long-turn: turns of each size; joins: joins one after the other; start: starts',
      whole,
      5,
    )
    .option('--small-mb <n>', 'long-turn: the smaller turn', positive, 0.5)
    .option('--large-mb <n>', 'long-turn: the larger turn; joins: the turn that is joined', positive, 5)
    .option('--pairs <n>', 'idle: drones with a viewer each', whole, 8000)
    .option(
      '--turns <n>',
      'start: stored turns, 10,000 of them in one session; search: turns that are searched',
      whole,
      100_000,
    )
    .option('--plain', 'steady: drones of the original, one event a token without a position', false)
    .option('--no-baselines', 'steady: the relay alone')
    .option('--crews <n>', 'load processes; not where one turn is measured', whole, 2)
    .option('--users <n>', 'restart: the users whose drones and viewers they are', whole, 20)
    .option('--joins <n>', 'rejoins: how many, all viewers together', whole, 10_000)
    .option('--down-ms <n>', 'restart: pause between the end and the next start', from0, 0)
    .option(
      '--only <part>',
      'acks: lmdb, mongo, mongo-20, mongo-200; restart: kill, stop; frozen: same, own; dead-drone: killed, half-open',
    )
    .option('--quick', 'small numbers where none are given', false)
    .option('--json <file>', 'also write everything measured there')
    .option('--cpu-prof <folder>', 'have the relay write a CPU profile there')
  const given = program.parse(argv).opts<BenchOptions & { quick: boolean }>()
  const isGiven = (name: string): boolean => program.getOptionValueSource(name) === 'cli'
  const others = { ...DEFAULTS[given.scenario], ...(given.quick && isQuick(given.scenario) ? QUICK : {}) }
  return { ...given, ...Object.fromEntries(Object.entries(others).filter(([name]) => !isGiven(name))) }
}
