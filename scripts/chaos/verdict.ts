import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded, judgeGlimpse, judgeTurn, judgeView } from './checker.ts'
import type { StoredTurn, Violation } from './checker.ts'
import { readJournals } from './journal.ts'
import type { Speech } from './journal.ts'
import { groupBy } from './group.ts'
import { judgeMessages, unaccounted } from './messages.ts'
import { falseRetries } from './retries.ts'
import type { Stage } from './stage.ts'
import type { Viewer } from './viewer.ts'

/** After the last fault: how long the last messages, turns and viewers get. */
const MESSAGES_MS = 30_000
const TURNS_MS = 60_000
/** Heads are told every 20 s when nothing is live: whoever missed the last word hears of it then. */
const VIEWERS_MS = 30_000
const LOOK_MS = 500

export interface Verdict {
  readonly violations: readonly Violation[]
  readonly turns: readonly StoredTurn[]
  readonly speeches: readonly Speech[]
}

/** Waits until all is quiet, and then compares what was said with what is stored and seen. */
export async function judge(stage: Stage): Promise<Verdict> {
  const violations: Violation[] = [...(await untilSent(stage)), ...(await untilEnded(stage))]
  const { turns, unreadable } = await readTurns(stage)
  violations.push(...unreadable)
  const speeches = readJournals(stage.journalDir)
  const speechesOf = groupBy(speeches, ({ turnId }) => turnId)
  const marksOf = new Map(stage.drones.map(({ host }) => [host.droneId, host.marks]))
  for (const turn of turns) {
    const said = (speechesOf.get(turn.turnId) ?? []).toSorted((a, b) => a.attempt - b.attempt)
    violations.push(...judgeTurn(turn, said), ...falseRetries(turn, said, marksOf))
  }
  violations.push(...judgeMessages(stage.drivers, turns, speeches), ...spokenAndLost(turns, speechesOf))
  violations.push(...(await judgeViewers(stage, turns)))
  const byId = new Map(turns.map((turn) => [turn.turnId, turn]))
  for (const { viewer, held } of stage.audience.glimpses) {
    const stored = byId.get(held.turnId)?.attempts.at(-1)
    violations.push(...judgeGlimpse(held, stored, speechesOf.get(held.turnId) ?? [], viewer))
  }
  return { violations: [...violations, ...stage.deaths], turns, speeches }
}

async function untilSent({ drivers }: Stage): Promise<Violation[]> {
  const answered = await Promise.all(drivers.map((driver) => driver.stop(MESSAGES_MS)))
  if (answered.every(Boolean)) return []
  return [
    { wrong: 'stuck', detail: `a message was not answered within ${MESSAGES_MS} ms after the last fault` },
  ]
}

async function untilEnded({ reader, sessions, drivers }: Stage): Promise<Violation[]> {
  const until = performance.now() + TURNS_MS
  for (;;) {
    const all = await Promise.all(sessions.map((session) => reader.turnsOf(session)))
    const open = all.flat().filter(({ status }) => !isEnded(status))
    const waiting = unaccounted(
      drivers.flatMap(({ queued }) => [...queued]),
      all.flat(),
    )
    // What becomes of those that still wait in vain is said with the other messages.
    if (open.length === 0 && (waiting.length === 0 || performance.now() > until)) return []
    if (performance.now() > until) {
      return open.map(({ turnId, status, attempt, waitingFor, droneId }) => {
        const how = `${status}, attempt ${attempt}, waiting for ${waitingFor ?? 'nothing'}, of ${droneId}`
        return { wrong: 'stuck', turnId, detail: `not ended ${TURNS_MS} ms after the last fault: ${how}` }
      })
    }
    await sleep(LOOK_MS)
  }
}

/** What the relay lists and cannot read is as good as lost. */
async function readTurns({ reader, sessions }: Stage) {
  const turns: StoredTurn[] = []
  const unreadable: Violation[] = []
  for (const session of sessions) {
    for (const { turnId } of await reader.turnsOf(session)) {
      try {
        const turn = await reader.turn(turnId)
        if (turn) turns.push(turn)
      } catch (error) {
        unreadable.push({ wrong: 'lost', turnId, detail: `it cannot be read: ${String(error)}` })
      }
    }
  }
  return { turns, unreadable }
}

function spokenAndLost(
  turns: readonly StoredTurn[],
  speechesOf: ReadonlyMap<string, readonly Speech[]>,
): Violation[] {
  const known = new Set(turns.map(({ turnId }) => turnId))
  return [...speechesOf.keys()]
    .filter((turnId) => !known.has(turnId))
    .map((turnId) => ({ wrong: 'lost', turnId, detail: 'a turn that was spoken is not in the store' }))
}

/** Those that stayed, those that sent, and one who comes now: in the end all hold what is stored. */
async function judgeViewers(stage: Stage, turns: readonly StoredTurn[]): Promise<Violation[]> {
  const late = await stage.audience.late(stage.frontUrl)
  const until = performance.now() + VIEWERS_MS
  const viewers = [...stage.audience.staying, ...stage.drivers.map(({ viewer }) => viewer)]
  for (;;) {
    const wrong = [
      ...viewers.flatMap((viewer) => differences(viewer, turns)),
      ...differences(late, turns),
      ...missing(stage, viewers, turns),
    ]
    if (wrong.length === 0 || performance.now() > until) {
      late.close()
      return wrong
    }
    await sleep(LOOK_MS)
  }
}

function differences(viewer: Viewer, turns: readonly StoredTurn[]): Violation[] {
  return turns.flatMap(({ turnId, chatSessionId, attempts }) => {
    const held = viewer.turn(chatSessionId, turnId)
    const stored = attempts.at(-1)
    return held && stored ? judgeView(held, stored, viewer.name) : []
  })
}

/** Who stayed has every turn from the first that it saw on, unless it was told that it has not. */
function missing({ sessions }: Stage, viewers: readonly Viewer[], turns: readonly StoredTurn[]): Violation[] {
  const newestFirst = groupBy(turns, ({ chatSessionId }) => chatSessionId)
  return viewers.flatMap((viewer) =>
    sessions.flatMap((session): Violation[] => {
      if (!viewer.sessions.includes(session) || viewer.hasMore(session)) return []
      const all = (newestFirst.get(session) ?? []).toReversed()
      const first = all.findIndex(({ turnId }) => viewer.turn(session, turnId))
      return all.slice(first).flatMap(({ turnId }): Violation[] => {
        if (viewer.turn(session, turnId)) return []
        return [{ wrong: 'viewer', turnId, detail: `${viewer.name} does not have the turn` }]
      })
    }),
  )
}
