import { readFileSync, readdirSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const MB = 1024 * 1024
const MS_PER_MIN = 60_000
/** Clock ticks of /proc/<pid>/stat; Linux has 100 everywhere. */
const US_PER_TICK = 10_000

/** What a process has used, as it says itself. */
export interface Usage {
  readonly cpuUs: number
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  /** Since the probe was last reset. */
  readonly loopP99Ms: number
  /** What another probe in the process has counted. */
  readonly extra?: unknown
}

export interface MemorySample {
  /** Ms of load so far: the pauses between rounds do not count. */
  readonly atMs: number
  readonly rss: number
  /** RSS without mapped files: LMDB's file counts in RSS as far as it was read, and belongs to the system. */
  readonly anonymous: number | undefined
  readonly heapUsed: number
}

/** Bytes that the process caused to be sent to the disk; undefined where the system does not tell. */
export function writtenBytes(pid: number): number | undefined {
  try {
    const found = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))
    return found ? Number(found[1]) : undefined
  } catch {
    return undefined
  }
}

export function anonymousBytes(pid: number): number | undefined {
  try {
    const found = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return found ? Number(found[1]) * 1024 : undefined
  } catch {
    return undefined
  }
}

/** CPU of a process that has no probe in it, in steps of 10 ms. */
export function cpuUsOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may contain anything; user and system time are the 12th and 13th field after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK
  } catch {
    return undefined
  }
}

/** Ms that the threads of a process could run and got no core: what others on the machine took from it. */
export function waitedForCoreMs(pid: number): number | undefined {
  try {
    const waited = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [, waitedNs = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      return Number(waitedNs) / 1e6
    })
    return waited.reduce((sum, ms) => sum + ms, 0)
  } catch {
    return undefined
  }
}

/** What the files of a folder take on the disk. */
export async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    // A file may go away between the list and the look at it.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
    bytes += (found?.blocks ?? 0) * 512
  }
  return bytes
}

/** The slope over the last half of the samples, in MB a minute: least squares. */
export function slopeMbPerMin(
  samples: readonly MemorySample[],
  of: (sample: MemorySample) => number | undefined,
): number | undefined {
  const lastAt = samples.at(-1)?.atMs ?? 0
  const half = samples.flatMap((sample) => {
    const y = of(sample)
    return sample.atMs < lastAt / 2 || y === undefined ? [] : [{ x: sample.atMs, y }]
  })
  if (half.length < 4) return undefined
  const meanX = mean(half.map(({ x }) => x))
  const meanY = mean(half.map(({ y }) => y))
  let xy = 0
  let xx = 0
  for (const { x, y } of half) {
    xy += (x - meanX) * (y - meanY)
    xx += (x - meanX) ** 2
  }
  return xx === 0 ? undefined : ((xy / xx) * MS_PER_MIN) / MB
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

/** Of values in ascending order; NaN of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

export function mb(bytes: number): number {
  return bytes / MB
}
