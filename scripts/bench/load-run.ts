import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Histogram } from './histogram.ts'
import type { FromLoad, LoadReport, LoadSpec, MarkName, ToLoad } from './spec.ts'

const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))

export interface LoadRunOptions {
  /** One process each. */
  readonly specs: readonly LoadSpec[]
  /** After this the generators are ended, and the run has failed. */
  readonly limitMs: number
  /** Called when all of them have come there. A generator waits for it, or, where it talks at a rate, does not. */
  readonly onMark: (name: MarkName) => Promise<void>
}

// Each load listens for the end of this process: there may be more of them than Node takes for a leak.
process.setMaxListeners(0)

/** Runs loads at the same time, in processes of their own, and puts together what they report. */
export async function runLoad({ specs, limitMs, onMark }: LoadRunOptions): Promise<LoadReport> {
  const marks = new Map<MarkName, Barrier>()
  const meet = (name: MarkName): Promise<void> => {
    const barrier = marks.get(name) ?? new Barrier(specs.length, () => onMark(name))
    marks.set(name, barrier)
    return barrier.arrive()
  }
  return together(await Promise.all(specs.map((spec) => runOne(spec, limitMs, meet))))
}

/** Whoever arrives waits until all have, and then until `task` is done. */
class Barrier {
  readonly #task: () => Promise<void>
  #missing: number
  #open: () => void = () => undefined
  #fail: (error: unknown) => void = () => undefined
  readonly #done: Promise<void>

  constructor(count: number, task: () => Promise<void>) {
    this.#missing = count
    this.#task = task
    this.#done = new Promise((resolve, reject) => {
      this.#open = resolve
      this.#fail = reject
    })
  }

  arrive(): Promise<void> {
    this.#missing -= 1
    if (this.#missing === 0) this.#task().then(this.#open, this.#fail)
    return this.#done
  }
}

async function runOne(
  spec: LoadSpec,
  limitMs: number,
  meet: (name: MarkName) => Promise<void>,
): Promise<LoadReport> {
  const child = fork(LOAD, { execArgv: ['--import', import.meta.resolve('tsx')] })
  const killNow = (): void => void child.kill('SIGKILL')
  process.once('exit', killNow)
  const exited = once(child, 'exit')
  const tell = (message: ToLoad): void => {
    // One that has ended in between is told by its exit.
    if (child.connected) child.send(message, () => undefined)
  }
  try {
    return await new Promise<LoadReport>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the load ${spec.run} did not end within ${limitMs} ms`))
        killNow()
      }, limitMs)
      child.on('message', (message: FromLoad) => {
        if ('mark' in message) {
          meet(message.mark)
            .then(() => tell({ marked: message.mark }))
            .catch(reject)
        } else if ('report' in message) resolve(message.report)
        else reject(new Error(`the load ${spec.run} failed: ${message.failed}`))
      })
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        reject(new Error(`the load ${spec.run} ended (${signal ?? code}) without a report`))
      })
      tell({ spec })
    })
  } catch (error) {
    killNow()
    throw error
  } finally {
    await exited
    process.off('exit', killNow)
  }
}

function together(reports: readonly LoadReport[]): LoadReport {
  const [only, ...others] = reports
  if (!only) throw new Error('no load was run')
  if (others.length === 0) return only
  const sum = (of: (report: LoadReport) => number | undefined): number =>
    reports.reduce((total, report) => total + (of(report) ?? 0), 0)
  const longest = (of: (report: LoadReport) => number): number => Math.max(...reports.map(of))
  return {
    wrong: reports.flatMap(({ wrong }) => wrong),
    tokens: sum(({ tokens }) => tokens),
    ms: longest(({ ms }) => ms),
    chars: sum(({ chars }) => chars),
    events: sum(({ events }) => events),
    took: Histogram.of(reports.map(({ took }) => new Histogram(took))).toJSON(),
    lumped: sum(({ lumped }) => lumped),
    load: {
      cpuShare: longest(({ load }) => load.cpuShare),
      loopP99Ms: longest(({ load }) => load.loopP99Ms),
    },
  }
}
