import { runLoad } from './load-run.ts'
import { anonymousBytes } from './measure.ts'
import type { MemorySample, Usage } from './measure.ts'
import type { BenchOptions } from './options.ts'
import type { ServerProcess } from './server-process.ts'
import type { LoadReport, SteadySpec, Target } from './spec.ts'
import { openForwarders } from './stage.ts'
import type { Stage } from './stage.ts'

/** Ms between two looks at the memory. */
const SAMPLE_MS = 500
/** Ms beyond its own time that a load may take: to start, to connect, to be heard out and compared. */
const AROUND_MS = 90_000

export interface Round {
  readonly report: LoadReport
  readonly cpuUs: number
  readonly cpuUsPerToken: number
  readonly loopP99Ms: number
  readonly rss: number
  /** What is left after a garbage collection when the round is over. */
  readonly heapAfterGc: number
}

export interface Contestant {
  readonly name: Target['kind']
  readonly server: ServerProcess
  readonly target: Target
  readonly rounds: Round[]
  readonly samples: MemorySample[]
  heapAtStart: number
}

/** The relay and the forwarders take turns at the same load. */
export async function steady(options: BenchOptions, stage: Stage): Promise<Contestant[]> {
  const forwarders = options.baselines ? await openForwarders() : []
  const all = [{ server: stage.relay.server, target: stage.target }, ...forwarders]
  const contestants = all.map(({ server, target }): Contestant => {
    return { name: target.kind, server, target, rounds: [], samples: [], heapAtStart: 0 }
  })
  try {
    for (const contestant of contestants)
      contestant.heapAtStart = (await contestant.server.usage({ gc: true })).heapUsed
    for (let round = 1; round <= options.rounds; round++) {
      for (const contestant of contestants) contestant.rounds.push(await play(contestant, options, round))
    }
    return contestants
  } finally {
    await Promise.all(forwarders.map(({ server }) => server.stop()))
  }
}

/** The load of each process. */
function specsOf(options: BenchOptions): SteadySpec[] {
  const { viewers, rate, tokenBytes, warmup, seconds, rounds } = options
  const measuredMs = (seconds * 1000) / rounds
  const crews = Math.min(options.crews, options.drones)
  return Array.from({ length: crews }, (_, crew) => {
    const drones = Math.floor((options.drones + crew) / crews)
    return { kind: 'steady', drones, viewers, rate, tokenBytes, warmupMs: warmup * 1000, measuredMs }
  })
}

async function play(contestant: Contestant, options: BenchOptions, round: number): Promise<Round> {
  const { server, target, name, samples } = contestant
  const scenarios = specsOf(options)
  const loadBefore = samples.at(-1)?.atMs ?? 0
  let before: Usage | undefined
  let after: Usage | undefined
  let sampler: ReturnType<typeof setInterval> | undefined
  const report = await runLoad({
    specs: scenarios.map((scenario, crew) => ({ run: `round${round}-${crew}`, target, scenario })),
    limitMs: (options.warmup + options.seconds) * 1000 + AROUND_MS,
    async onMark(mark) {
      if (mark === 'begin') {
        before = await server.usage({ reset: true })
        const beganAt = performance.now()
        sampler = setInterval(() => {
          const atMs = loadBefore + performance.now() - beganAt
          server
            .usage()
            .then(({ rss, heapUsed }) =>
              samples.push({ atMs, rss, heapUsed, anonymous: anonymousBytes(server.pid) }),
            )
            .catch(() => clearInterval(sampler))
        }, SAMPLE_MS)
      } else {
        clearInterval(sampler)
        after = await server.usage()
      }
    },
  }).finally(() => clearInterval(sampler))
  if (!before || !after) throw new Error(`the load of ${name} was never measured`)
  const cpuUs = after.cpuUs - before.cpuUs
  console.error(`${name}, round ${round}: ${(cpuUs / report.tokens).toFixed(1)} µs a token`)
  return {
    report,
    cpuUs,
    cpuUsPerToken: cpuUs / report.tokens,
    loopP99Ms: after.loopP99Ms,
    rss: after.rss,
    heapAfterGc: (await server.usage({ gc: true })).heapUsed,
  }
}
