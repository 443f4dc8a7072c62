/**
 * Every figure that has a target, one scenario after the other, and the table of docs/performance.md made of them:
 *
 *   npm run bench:targets                    all of it, in about an hour
 *   npm run bench:targets -- --only P1a,P7   some of it; the other figures stay as they were measured last
 *   npm run bench:targets -- --seconds 15    with fewer measured seconds of each server than the bench takes by itself
 *
 * What was measured is kept in bench/results/targets.json after each scenario, and each figure is shown beside the one
 * kept before. A scenario that fails leaves its figures as they were, and has the command fail in the end.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BENCH = join(ROOT, 'scripts/bench/bench.ts')
const RESULTS = join(ROOT, 'bench/results/targets.json')
const PAGE = join(ROOT, 'docs/performance.md')
const BEGIN = '<!-- targets: written by npm run bench:targets -->'
const END = '<!-- /targets -->'

/** A result of the bench, as it is written down. */
interface Result {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
  readonly wrong: readonly string[]
  readonly machine: { readonly node: string; readonly cores: number; readonly commit: string }
  readonly at: string
}

interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly target: string
  readonly isMet: boolean
}

interface Kept {
  readonly figures: readonly Figure[]
  readonly at: string
  readonly machine: Result['machine']
}

interface Target {
  readonly id: string
  readonly runs: readonly (readonly string[])[]
  readonly figures: (results: readonly Result[]) => Figure[]
}

function cell({ columns, rows }: Result, row: string, column: string): number {
  const found = rows.find(([what]) => String(what).startsWith(row))
  const value = found?.[columns.indexOf(column) + 2]
  if (typeof value !== 'number') throw new Error(`there is no figure ${row} / ${column}`)
  return value
}

function atMost(what: string, value: number, unit: string, most: number): Figure {
  return { what, value, unit, target: `<= ${most}`, isMet: value <= most }
}

function atLeast(what: string, value: number, unit: string, least: number): Figure {
  return { what, value, unit, target: `>= ${least}`, isMet: value >= least }
}

const CPU = 'CPU per token'

interface Load {
  readonly id: string
  readonly drones: number
  readonly rate: number
  readonly isPlain?: boolean
  readonly besideSocketio: number
  readonly besideWs?: number
}

/** What a token costs beside the forwarders; and how late the last of a hundred comes, at half that load. */
function tokens({ id, drones, rate, isPlain = false, besideSocketio, besideWs }: Load): Target {
  const args = [...(isPlain ? ['--plain'] : []), '--rate', String(rate)]
  const what = (count: number): string => `${count}${isPlain ? ' plain' : ''} drones x ${rate} tokens/s`
  return {
    id,
    runs: [
      ['--drones', String(drones), ...args],
      ['--drones', String(drones / 2), ...args, '--no-baselines'],
    ],
    figures: ([full, half]) => {
      if (!full || !half) return []
      const shown = `${what(drones)}, CPU per token`
      return [
        atMost(`${shown}, beside bare Socket.IO`, cell(full, CPU, 'relay/socket.io'), 'x', besideSocketio),
        ...(besideWs === undefined
          ? []
          : [atMost(`${shown}, beside bare ws`, cell(full, CPU, 'relay/ws'), 'x', besideWs)]),
        atMost(`${what(drones / 2)}, drone to viewer, p99`, cell(half, 'latency p99', 'relay'), 'ms', 50),
      ]
    },
  }
}

/** On FerretDB smaller turns: it takes milliseconds for each update (docs/performance.md). */
function longTurn(store: string, smallMb: number): Target {
  const sizes = ['--small-mb', String(smallMb), '--large-mb', String(10 * smallMb)]
  return {
    id: 'P3',
    runs: [['--scenario', 'long-turn', '--store', store, '--repeat', '3', ...sizes]],
    figures: ([result]) =>
      result
        ? ['relay CPU', 'bytes written'].map((row) =>
            atMost(`a turn 10 times as long on ${store}, ${row}`, cell(result, row, 'ratio'), 'x', 10.5),
          )
        : [],
  }
}

const TARGETS: readonly Target[] = [
  tokens({ id: 'P1a', drones: 50, rate: 60, besideSocketio: 0.5, besideWs: 0.8 }),
  tokens({ id: 'P1a', drones: 200, rate: 60, besideSocketio: 0.5, besideWs: 0.8 }),
  tokens({ id: 'P1a', drones: 50, rate: 200, besideSocketio: 0.5, besideWs: 0.8 }),
  tokens({ id: 'P1b', drones: 50, rate: 60, isPlain: true, besideSocketio: 0.9 }),
  {
    id: 'P2',
    runs: [['--drones', '20', '--rate', '2']],
    figures: ([result]) => {
      if (!result) return []
      const added = cell(result, 'latency p50', 'relay') - cell(result, 'latency p50', 'socket.io')
      return [atMost('a token after silence, added to bare Socket.IO, p50', added, 'ms', 2)]
    },
  },
  longTurn('lmdb', 0.5),
  longTurn('mongo', 0.1),
  {
    id: 'P4',
    runs: [['--scenario', 'idle']],
    figures: ([result]) =>
      result
        ? [atMost('8,000 idle pairs, memory of each', cell(result, 'all 8000 pairs', 'figure'), 'KB', 60)]
        : [],
  },
  {
    id: 'P5',
    runs: [['--scenario', 'joins']],
    figures: ([result]) =>
      result
        ? [
            atMost(
              'a join of a live 5 MB turn, to the last byte',
              cell(result, 'one join, to the last byte', ''),
              'ms',
              150,
            ),
          ]
        : [],
  },
  {
    id: 'P6',
    runs: [
      ['--scenario', 'blocks'],
      ['--scenario', 'blocks', '--store', 'mongo'],
    ],
    figures: ([lmdb, mongo]) => [
      ...(lmdb
        ? [atMost('a stored block of 1 KB on LMDB, CPU', cell(lmdb, 'CPU for each', 'figure'), 'µs', 10)]
        : []),
      ...(mongo
        ? [
            atLeast(
              "blocks a second on FerretDB, beside the original's way",
              cell(mongo, 'ours beside it', 'figure'),
              'x',
              20,
            ),
          ]
        : []),
    ],
  },
  {
    id: 'P7',
    runs: [
      ['--no-baselines', '--drones', '20', '--viewers', '1'],
      ['--no-baselines', '--drones', '20', '--viewers', '10'],
    ],
    figures: ([one, ten]) =>
      one && ten
        ? [
            atMost(
              '10 viewers of each turn, CPU beside 1',
              cell(ten, CPU, 'relay') / cell(one, CPU, 'relay'),
              'x',
              3,
            ),
          ]
        : [],
  },
  {
    id: 'P8',
    runs: [['--scenario', 'start']],
    figures: ([result]) =>
      result
        ? [
            atMost(
              'start with 100,000 stored turns',
              cell(result, 'start with all turns', 'figure'),
              'ms',
              500,
            ),
            atMost(
              'a page of a session with 10,000 turns',
              cell(result, 'a page of a session', 'figure'),
              'ms',
              20,
            ),
          ]
        : [],
  },
]

function run(args: readonly string[]): Result {
  const dir = mkdtempSync(join(tmpdir(), 'drone-relay-targets-'))
  const json = join(dir, 'result.json')
  try {
    console.error(`bench ${args.join(' ')}`)
    execFileSync(process.execPath, ['--import', 'tsx', BENCH, ...args, '--json', json], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return JSON.parse(readFileSync(json, 'utf8')) as Result
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function tableOf(kept: Readonly<Record<string, Kept>>, before: Readonly<Record<string, Kept>>): string {
  const lines = Object.entries(kept).flatMap(([key, { figures, machine, at }]) =>
    figures.map(({ what, value, unit, target, isMet }) => {
      const last = before[key]?.figures.find((figure) => figure.what === what)
      const was = last && before[key]?.at !== at ? `${shown(last.value)} ${unit}` : ''
      const met = isMet ? 'yes' : '**no**'
      return `| ${key.split(' ')[0]} | ${what} | ${target} ${unit} | ${shown(value)} ${unit} | ${met} | ${was} | ${machine.commit}, ${at.slice(0, 10)} |`
    }),
  )
  return [
    '| | figure | target | measured | met | before | at |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

const { only, seconds } = new Command('targets')
  .description('Measures every figure that has a target, and writes them into docs/performance.md.')
  .option('--only <ids>', 'some of them, with commas between: P1a,P7')
  .option('--seconds <n>', 'measured seconds of each server, where tokens are measured')
  .parse()
  .opts<{ only?: string; seconds?: string }>()
const wanted = only?.split(',')
const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, Kept>) : {}
const kept: Record<string, Kept> = {}
for (const { id, runs, figures } of TARGETS) {
  const key = `${id} ${runs.map((args) => args.join(' ')).join(' / ')}`
  const last = before[key]
  if (last) kept[key] = last
  if (wanted && !wanted.includes(id)) continue
  try {
    const results = runs.map((args) =>
      run(seconds === undefined || args[0] === '--scenario' ? args : [...args, '--seconds', seconds]),
    )
    const [first] = results
    if (first) kept[key] = { figures: figures(results), at: first.at, machine: first.machine }
    keep()
  } catch (error) {
    console.error(`${key} was not measured: ${String(error)}`)
    process.exitCode = 1
  }
}
keep()

function keep(): void {
  writeFileSync(RESULTS, `${JSON.stringify(kept, undefined, 1)}\n`)
  const page = readFileSync(PAGE, 'utf8')
  const [head, rest] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))]
  writeFileSync(PAGE, `${head}${BEGIN}\n\n${tableOf(kept, before)}\n\n${rest}`)
}
