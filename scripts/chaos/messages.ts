import type { StoredTurn, Violation } from './checker.ts'
import { groupBy } from './group.ts'
import type { Speech } from './journal.ts'

/** Ended before any drone had it: its message was sent again, and has become something else. */
const NEVER_STARTED = /^It was never started/

/** What was answered: messages by their ids. */
export interface Answered {
  /** The turn of each message that was sent. */
  readonly turns: ReadonlyMap<string, string>
  /** Those that were given to a queue, to wait or to go into the live turn. */
  readonly queued: ReadonlySet<string>
}

/** Every message that was answered has its turn, or is in one; and no message is done twice. */
export function judgeMessages(
  answered: readonly Answered[],
  turns: readonly StoredTurn[],
  speeches: readonly Speech[],
): Violation[] {
  const byId = new Set(turns.map(({ turnId }) => turnId))
  const byPrompt = groupBy(turns, ({ prompt }) => prompt)
  const intoTurns = groupBy(
    turns.flatMap(({ turnId, steers }) => steers.map((messageId) => ({ turnId, messageId }))),
    ({ messageId }) => messageId,
  )
  const done = doneWithin(turns, speeches)
  const found: Violation[] = []
  for (const { turns: sent, queued } of answered) {
    for (const [messageId, turnId] of sent)
      if (!byId.has(turnId))
        found.push({
          wrong: 'lost',
          turnId,
          detail: `message ${messageId} was answered with a turn that is not there`,
        })
    for (const messageId of queued)
      if (!byPrompt.has(messageId) && !intoTurns.has(messageId))
        found.push({ wrong: 'lost', detail: `message ${messageId} waited, and has become nothing` })
  }
  for (const [messageId, own] of byPrompt) found.push(...doneTwice(messageId, own, done.has(messageId)))
  for (const [messageId, into] of intoTurns) {
    const begun = (byPrompt.get(messageId) ?? []).filter(isBegun)
    if (into.length + begun.length > 1)
      found.push({
        wrong: 'duplicated',
        detail: `message ${messageId} went into ${into.length} turns and became ${begun.length}`,
      })
  }
  return found
}

/** Which of these messages are nothing yet: in the end none may be. */
export function unaccounted(
  queued: Iterable<string>,
  turns: readonly {
    readonly prompt: string
    readonly steers?: readonly { readonly messageId: string }[] | undefined
  }[],
): string[] {
  const known = new Set(
    turns.flatMap(({ prompt, steers = [] }) => [prompt, ...steers.map(({ messageId }) => messageId)]),
  )
  return [...queued].filter((messageId) => !known.has(messageId))
}

function doneTwice(messageId: string, own: readonly StoredTurn[], isDone: boolean): Violation[] {
  const [first, ...others] = own
  if (!first) return []
  const { turnId } = first
  if (others.length > 0)
    return [{ wrong: 'duplicated', turnId, detail: `message ${messageId} has several turns` }]
  return isBegun(first) && isDone
    ? [{ wrong: 'duplicated', turnId, detail: `message ${messageId} was done, and again as a turn` }]
    : []
}

/** Messages that agents took while they worked, and then ended well. */
function doneWithin(turns: readonly StoredTurn[], speeches: readonly Speech[]): Set<string> {
  const finished = new Map(
    turns.flatMap(({ turnId, attempts }) => {
      const last = attempts.at(-1)
      return last?.status === 'finished' ? [[turnId, last.attempt]] : []
    }),
  )
  const ended = speeches.filter(({ turnId, attempt }) => finished.get(turnId) === attempt)
  return new Set(ended.flatMap(({ steered }) => [...steered]))
}

function isBegun({ attempts }: StoredTurn): boolean {
  const last = attempts.at(-1)
  return !(last?.status === 'aborted' && NEVER_STARTED.test(last.reason ?? ''))
}
