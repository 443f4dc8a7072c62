/**
 * Kills anything at any moment, and checks that every acknowledged word is there once and in order, and that every turn
 * ends:
 *
 *   npm run chaos -- --minutes 5 --seed 1
 *   npm run chaos -- --minutes 5 --store mongo
 *   npm run chaos -- --minutes 0.5 --control no-dedup      has to be caught: it exits with 0 only then
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { frontsOf } from './faults.ts'
import { groupBy } from './group.ts'
import { intensityOf } from './intensity.ts'
import { readOptions } from './options.ts'
import type { ChaosOptions } from './options.ts'
import { reportOf, tableOf } from './report.ts'
import type { Report } from './report.ts'
import { closeStage, healStage, openStage } from './stage.ts'
import type { Stage } from './stage.ts'
import { Storm, endure } from './storm.ts'
import { judge } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** Time for the first turns to begin before anything is broken. */
const CALM_MS = 2500
/** For everything besides the faults themselves: a run that takes longer has hung. */
const BEYOND_MS = 240_000
const MS_PER_MINUTE = 60_000
/** Of one kind of violation, so many are written out. */
const SHOWN = 12

async function run(options: ChaosOptions, stage: Stage): Promise<{ verdict: Verdict; report: Report }> {
  const intensity = intensityOf(options)
  await stage.audience.start()
  await Promise.all(stage.drivers.map((driver) => driver.start()))
  await sleep(CALM_MS)
  const log = join(stage.folder, 'faults.log')
  const note = (line: string): void => appendFileSync(log, `${new Date().toISOString()} ${line}\n`)
  const storm = new Storm({ fronts: frontsOf(stage, intensity), seed: options.seed, note })
  const end = AbortSignal.timeout(options.minutes * MS_PER_MINUTE)
  await Promise.all([storm.rage(end), passers(stage, end), passers(stage, end)])
  healStage(stage)
  note('all is well again')
  const verdict = await judge(stage)
  return { verdict, report: reportOf(options, stage, storm, verdict) }
}

async function passers({ audience }: Stage, end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    await endure(1000, end)
    await audience.pass(end)
  }
}

function complaintsOf({ violations }: Verdict, { kills }: Report): string[] {
  const complaints = [...groupBy(violations, ({ wrong }) => wrong)].flatMap(([wrong, all]) => {
    const shown = all.slice(0, SHOWN).map(({ turnId = '', detail }) => `${wrong}: ${turnId} ${detail}`)
    return all.length > SHOWN ? [...shown, `${wrong}: and ${all.length - SHOWN} more`] : shown
  })
  if (kills.relay > 0 && !(kills.medianUnflushed > 0)) {
    complaints.push('the relay held nothing unstored when it was killed: the run proves nothing')
  }
  return complaints
}

interface Complaints {
  readonly complaints: readonly string[]
  /** The run came to no verdict. */
  readonly brokeOff: boolean
}

/** What is wrong with the run, after its table is printed. */
async function complain(options: ChaosOptions, stage: Stage): Promise<Complaints> {
  try {
    const { verdict, report } = await run(options, stage)
    console.log(tableOf(report))
    if (options.json !== undefined) {
      const all = { ...report, violations: verdict.violations }
      writeFileSync(options.json, `${JSON.stringify(all, undefined, 2)}\n`)
    }
    return { complaints: complaintsOf(verdict, report), brokeOff: false }
  } catch (error) {
    const why = error instanceof Error ? error.stack : String(error)
    return { complaints: [`the run broke off: ${why}`], brokeOff: true }
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv)
  const watchdog = setTimeout(
    () => {
      console.error('chaos: the run has hung')
      process.exit(3)
    },
    options.minutes * MS_PER_MINUTE + BEYOND_MS,
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  const stage = await openStage(options, intensityOf(options))
  const { complaints, brokeOff } = await complain(options, stage)
  const isWrong = complaints.length > 0
  // A harness that breaks has caught nothing.
  const isCaught = isWrong && !brokeOff
  const { control } = options
  if (isWrong) console.log(`\n${complaints.join('\n')}`)
  const keep = options.keep || (isWrong && control === undefined)
  if (keep) console.log(`\nThe journals and logs are kept in ${stage.folder}.`)
  if (control !== undefined) console.log(`\nControl ${control}: ${isCaught ? 'caught' : 'NOT caught'}.`)
  await closeStage(stage, keep)
  clearTimeout(watchdog)
  return (control === undefined ? !isWrong : isCaught) ? 0 : 1
}

process.exit(await main())
