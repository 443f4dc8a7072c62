import { foldLane, sameBlocks } from './fold.ts'
import type { FoldedBlock } from './fold.ts'
import type { Speech } from './journal.ts'
import { tagsIn, totalUnits } from './words.ts'

export const WRONGS = [
  'lost',
  'duplicated',
  'swapped',
  'mixed',
  'changed',
  'stuck',
  'viewer',
  'retry',
  'died',
] as const
export type Wrong = (typeof WRONGS)[number]

export interface Violation {
  readonly wrong: Wrong
  readonly turnId?: string
  readonly detail: string
}

export interface ToldLane {
  readonly lane: string
  readonly units: number
  readonly blocks: readonly FoldedBlock[]
}

/** One attempt of a turn as somebody tells it: the store, or a viewer. */
export interface ToldAttempt {
  readonly turnId: string
  readonly attempt: number
  readonly status: string
  readonly reason?: string | undefined
  readonly lanes: readonly ToldLane[]
}

/** A turn as stored: its present attempt last. */
export interface StoredTurn {
  readonly turnId: string
  readonly chatSessionId: string
  readonly prompt: string
  /** Messages that went into it. */
  readonly steers: readonly string[]
  readonly attempts: readonly ToldAttempt[]
}

export function isEnded(status: string): boolean {
  return status === 'finished' || status === 'failed' || status === 'aborted'
}

/** Every attempt of a stored turn against everything that was said for it. */
export function judgeTurn(turn: StoredTurn, speeches: readonly Speech[]): Violation[] {
  const found = turn.attempts.flatMap((told) =>
    judgeAttempt(
      told,
      speeches.filter(({ attempt }) => attempt === told.attempt),
    ),
  )
  const last = turn.attempts.at(-1)?.attempt ?? 0
  for (const { attempt, speaker } of speeches) {
    if (attempt <= last) continue
    found.push(wrongOf('lost', turn.turnId, `the store has no attempt ${attempt}, of which ${speaker} spoke`))
  }
  return found
}

/** One attempt is the beginning of what one speaker said, not shorter than that was told, and whole if it is finished. */
export function judgeAttempt(told: ToldAttempt, speeches: readonly Speech[]): Violation[] {
  const { turnId, attempt, status } = told
  const speech = speeches.find((candidate) => told.lanes.every((lane) => isBeginning(lane, candidate)))
  if (!speech) {
    if (speeches.length === 0 && told.lanes.every(({ units }) => units === 0)) return missingWords(told)
    return told.lanes.flatMap((lane) => classify(told, lane, speeches))
  }
  const found: Violation[] = []
  const lengthOf = (lane: string): number => told.lanes.find((known) => known.lane === lane)?.units ?? 0
  for (const other of speeches) {
    const kept = (lane: string): number => (other === speech ? lengthOf(lane) : 0)
    for (const [lane, offset] of other.stored) {
      if (kept(lane) >= offset) continue
      const what = `${other.speaker} was told that "${lane}" is stored up to ${offset}, it is up to ${kept(lane)}`
      found.push(wrongOf('lost', turnId, `attempt ${attempt}: ${what}`))
    }
  }
  if (status !== 'finished') return found
  if (speech.ended !== true) found.push(wrongOf('changed', turnId, 'it is finished, and nobody said so'))
  for (const [lane, sayings] of speech.lanes) {
    const units = totalUnits(sayings)
    if (units === lengthOf(lane)) continue
    const what = `finished with ${lengthOf(lane)} of ${units} units in "${lane}"`
    found.push(wrongOf('lost', turnId, `attempt ${attempt}: ${what}`))
  }
  return found
}

/** What a viewer holds at the end is what is stored, whole. */
export function judgeView(held: ToldAttempt, stored: ToldAttempt, viewer: string): Violation[] {
  const { turnId } = held
  const differs = (what: string): Violation[] => [wrongOf('viewer', turnId, `${viewer} ${what}`)]
  if (held.attempt !== stored.attempt)
    return differs(`is at attempt ${held.attempt}, stored is ${stored.attempt}`)
  if (held.status !== stored.status) return differs(`has it ${held.status}, stored is ${stored.status}`)
  const names = new Set([...held.lanes, ...stored.lanes].map(({ lane }) => lane))
  return [...names].flatMap((name) => {
    const mine = laneOf(held, name)
    const truth = laneOf(stored, name)
    if (mine.units !== truth.units)
      return differs(`has ${mine.units} units of lane "${name}", stored are ${truth.units}`)
    return sameBlocks(mine.blocks, truth.blocks) ? [] : differs(`has other words in lane "${name}"`)
  })
}

/** What a viewer holds at any moment is the beginning of what somebody said; what it saw end, ended so. */
export function judgeGlimpse(
  held: ToldAttempt,
  stored: ToldAttempt | undefined,
  speeches: readonly Speech[],
  viewer: string,
): Violation[] {
  if (stored && isEnded(held.status)) return judgeView(held, stored, viewer)
  const mine = speeches.filter(({ attempt }) => attempt === held.attempt)
  const isSaid = held.lanes.every(({ units }) => units === 0)
  if (isSaid || mine.some((speech) => held.lanes.every((lane) => isBeginning(lane, speech)))) return []
  const what = `left with words of attempt ${held.attempt} that nobody said so`
  return [wrongOf('viewer', held.turnId, `${viewer} ${what}`)]
}

function isBeginning({ lane, units, blocks }: ToldLane, speech: Speech): boolean {
  const { blocks: said, units: saidUnits } = foldLane(speech.lanes.get(lane) ?? [], units)
  return saidUnits === units && sameBlocks(said, blocks)
}

function missingWords({ turnId, status }: ToldAttempt): Violation[] {
  return status === 'finished' ? [wrongOf('lost', turnId, 'it is finished, and nobody had spoken')] : []
}

/** What is wrong with a lane that is not the beginning of anything said, by the tags in it. */
function classify(told: ToldAttempt, lane: ToldLane, speeches: readonly Speech[]): Violation[] {
  if (speeches.some((speech) => isBeginning(lane, speech))) return []
  const { turnId, attempt } = told
  const where = `attempt ${attempt}, lane "${lane.lane}"`
  const tags = lane.blocks.flatMap((block) => tagsIn(block.mode === 'tool' ? block.params : block.text))
  const speakers = new Set(tags.map(({ attempt: of, speaker }) => `${of}.${speaker}`))
  const foreign = tags.find((tag) => tag.attempt !== attempt)
  if (foreign || speakers.size > 1)
    return [wrongOf('mixed', turnId, `${where}: words of ${[...speakers].join(' and ')}`)]
  const counts = tags.map(({ count }) => count)
  const repeated = counts.find((count, index) => counts.indexOf(count) !== index)
  if (repeated !== undefined)
    return [wrongOf('duplicated', turnId, `${where}: number ${repeated} is there twice`)]
  const swapped = counts.find((count, index) => index > 0 && count < (counts[index - 1] ?? 0))
  if (swapped !== undefined)
    return [wrongOf('swapped', turnId, `${where}: number ${swapped} is out of order`)]
  const missing = counts.findIndex((count, index) => count !== index)
  if (missing >= 0) return [wrongOf('lost', turnId, `${where}: number ${missing} is missing`)]
  return [wrongOf('changed', turnId, `${where}: not what was said, though every number is there once`)]
}

function laneOf(told: ToldAttempt, name: string): ToldLane {
  return told.lanes.find(({ lane }) => lane === name) ?? { lane: name, units: 0, blocks: [] }
}

function wrongOf(wrong: Wrong, turnId: string, detail: string): Violation {
  return { wrong, turnId, detail }
}
