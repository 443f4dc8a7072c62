import type { Violation } from './checker.ts'
import type { StoredTurn } from './checker.ts'
import type { Mark } from './drone-host.ts'
import { GRACE_MS } from './intensity.ts'
import type { Speech } from './journal.ts'

/** A drone that was away for nearly its grace may have been given up rightly. */
const NEARLY = 0.8
/** What a drone says happened may be known to the relay a little earlier or later. */
const SLACK_MS = 1500

/** Attempts that were given up though their drone lived, could be reached, and was never away for long. */
export function falseRetries(
  turn: StoredTurn,
  speeches: readonly Speech[],
  marksOf: ReadonlyMap<string, readonly Mark[]>,
): Violation[] {
  return turn.attempts.slice(0, -1).flatMap((given): Violation[] => {
    const speech = speeches.find(({ attempt }) => attempt === given.attempt)
    if (!speech) return []
    const next = speeches.find(({ attempt }) => attempt > given.attempt)
    const until = Math.min(next?.beganAt ?? Infinity, speech.overAt ?? Infinity) + SLACK_MS
    const marks = marksOf.get(speech.droneId) ?? []
    if (isExplained(marks, speech.beganAt - SLACK_MS, until)) return []
    const detail = `attempt ${given.attempt} on ${speech.droneId} was given up for no reason: ${given.reason ?? ''}`
    return [{ wrong: 'retry', turnId: turn.turnId, detail }]
  })
}

const BEGINNINGS: Readonly<Record<Mark['is'], Mark['is'] | undefined>> = {
  up: 'down',
  continued: 'stopped',
  'link healed': 'link fault',
  down: undefined,
  stopped: undefined,
  killed: undefined,
  'link fault': undefined,
}

function isExplained(marks: readonly Mark[], from: number, until: number): boolean {
  const begun = new Map<Mark['is'], number>()
  for (const { at, is } of marks) {
    if (is === 'killed' && at >= from && at <= until) return true
    const beginning = BEGINNINGS[is]
    if (beginning === undefined) {
      if (!begun.has(is)) begun.set(is, at)
      continue
    }
    const since = begun.get(beginning)
    begun.delete(beginning)
    if (since === undefined || since > until || at < from) continue
    if (beginning === 'link fault') return true
    if (at - since >= GRACE_MS * (beginning === 'stopped' ? 0.5 : NEARLY)) return true
  }
  // What has not ended yet goes on.
  return [...begun].some(
    ([is, since]) => is !== 'killed' && since <= until && until - since >= GRACE_MS * NEARLY,
  )
}
