import { runLoad } from './load-run.ts'
import { anonymousBytes } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { TARGET_COLUMNS, against } from './reliability/ground.ts'
import type { Measured } from './reliability/ground.ts'
import type { Row } from './report.ts'
import { openStage } from './stage.ts'
import type { Stage } from './stage.ts'
import { userKeys } from './user-keys.ts'
import type { UserKeys } from './user-keys.ts'

/** Pairs of one load process: each costs two descriptors there, and more memory than in the relay. */
const PAIRS_A_LOAD = 1000
/** Every client of a user hears of all their drones: thousands of one user are nobody's case. */
const PAIRS_A_USER = 10
/** Ms for so many pairs to come, have a short turn each and go. */
const LIMIT_MS = 1_200_000
const KB = 1024

interface Look {
  readonly pairs: number
  /** Without mapped files, after a garbage collection. */
  readonly bytes: number
  /** Of one core, while nothing was said. */
  readonly cpuShare: number
}

/** What a drone and its viewer cost that are there, have had a turn together, and say nothing. */
export async function idle(options: BenchOptions): Promise<Measured> {
  const stage = await openStage(options)
  try {
    const users = await userKeys(stage.relay, Math.ceil(options.pairs / PAIRS_A_USER))
    const looks: Look[] = [await look(stage, 0)]
    const wrong: string[] = []
    await addPairs(stage, { left: options.pairs, users }, looks, wrong)
    const [none] = looks
    if (!none) throw new Error('nothing was measured')
    const perPair = (at: Look, from = none): number => (at.bytes - from.bytes) / (at.pairs - from.pairs) / KB
    const steps = looks.slice(1)
    const rows: Row[] = steps.map((at) => [`${at.pairs} pairs`, 'KB a pair', perPair(at), undefined, ''])
    const last = steps.at(-1)
    if (last) {
      rows.push(against(`all ${last.pairs} pairs`, 'KB a pair', perPair(last), 60))
      const first = steps[0]
      if (first && first !== last)
        rows.push(against('the line between the first and the last', 'KB a pair', perPair(last, first), 60))
      rows.push(against('relay CPU while they are idle', '% of a core', last.cpuShare * 100))
    }
    const { ranAs } = stage.relay
    const title = `idle on ${options.store}: drones with a viewer each, after one short turn`
    return { title, columns: TARGET_COLUMNS, rows, wrong, raw: looks, ranAs }
  } finally {
    await stage.close()
  }
}

/** Adds loads one by one; each stays until all have come and the last has been looked at. */
async function addPairs(
  stage: Stage,
  { left, users }: { left: number; users: readonly UserKeys[] },
  looks: Look[],
  wrong: string[],
): Promise<void> {
  if (left <= 0) return
  const count = Math.min(PAIRS_A_LOAD, left)
  const before = looks.at(-1)?.pairs ?? 0
  const share = Math.ceil(count / PAIRS_A_USER)
  const target = { ...stage.target, users: users.slice(0, share) }
  const report = await runLoad({
    specs: [{ run: `idle-${before}`, target, scenario: { kind: 'idle', pairs: count } }],
    limitMs: LIMIT_MS,
    async onMark(mark) {
      if (mark === 'end') return
      looks.push(await look(stage, before + count))
      console.error(`${before + count} pairs`)
      await addPairs(stage, { left: left - count, users: users.slice(share) }, looks, wrong)
    },
  })
  wrong.push(...report.wrong)
}

async function look({ relay }: Stage, pairs: number): Promise<Look> {
  const { server } = relay
  // Twice: what the first collection finds in the old space is only freed by the next.
  await server.usage({ gc: true })
  const { cpuUs } = await server.usage({ gc: true })
  const bytes = anonymousBytes(server.pid)
  if (bytes === undefined) throw new Error('this system does not tell the memory of a process')
  const beganAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const after = await server.usage()
  return { pairs, bytes, cpuShare: (after.cpuUs - cpuUs) / 1000 / (performance.now() - beganAt) }
}
