import type { Entry } from '../../src/turns/entry.ts'
import { Flusher } from '../../src/turns/flusher.ts'
import { Turn } from '../../src/turns/turn.ts'
import type { TurnBounds, TurnOutcome } from '../../src/turns/turn.ts'
import type { CommitOutcome, FlushBatch, TurnHeader } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { text } from './lane-model.ts'

export const CHECKPOINT_MS = 500
export const CHECKPOINT_BYTES = 10_000
const BOUNDS: TurnBounds = { partBytes: 1000, maxUnstoredBytes: 100_000 }

export const ASSIGNED = {
  registrationId: 'r1',
  droneId: 'd1',
  workspaceId: 'w',
  instanceId: 'i1',
  acknowledged: true,
} as const

/** A turn that a drone works on. */
export function header(fields: Partial<TurnHeader> = {}): TurnHeader {
  return {
    turnId: 'turn-1',
    chatSessionId: 'chat-1',
    userId: 'ann',
    messageId: 'm',
    prompt: 'Do it.',
    createdAt: 1,
    attempt: 1,
    status: 'processing',
    assigned: ASSIGNED,
    startedAt: 2,
    toolCallCount: 0,
    earlier: [],
    generation: 1,
    version: 0,
    node: 'n1',
    lanes: [],
    ...fields,
  }
}

export function aTurn(fields: Partial<TurnHeader> = {}, bounds: Partial<TurnBounds> = {}): Turn {
  return new Turn(header(fields), { ...BOUNDS, ...bounds })
}

/** Says more at the end of a lane. */
export function say(turn: Turn, entry: Entry | string, lane = ''): TurnOutcome {
  const words = typeof entry === 'string' ? text(entry) : entry
  return turn.append(turn.loggedAttempt, lane, turn.received(lane), words)
}

interface PendingCommit {
  readonly batches: readonly FlushBatch[]
  /** The batches as they were when the store got them. */
  readonly bytes: string
  readonly resolve: (outcomes: CommitOutcome[]) => void
  readonly reject: (error: Error) => void
}

/** The event loop turns until nothing is left to do but wait for a commit or the clock. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A flusher whose commits a test answers by hand. */
export class FlushBench {
  readonly clock = new FakeClock()
  readonly commits: PendingCommit[] = []
  readonly stored: FlushBatch[] = []
  readonly fenced: string[] = []
  readonly warnings: string[] = []
  onCommitted: (turn: Turn) => void = () => undefined
  readonly flusher = new Flusher({
    store: { commit: (batches) => this.#commit(batches) },
    clock: this.clock,
    logger: { warn: (words) => this.warnings.push(words), error: (words) => this.warnings.push(words) },
    checkpointMs: CHECKPOINT_MS,
    checkpointBytes: CHECKPOINT_BYTES,
    onCommitted: (turn, batch) => {
      this.stored.push(batch)
      this.onCommitted(turn)
    },
    onFenced: (turn) => this.fenced.push(turn.turnId),
  })

  say(turn: Turn, entry: Entry | string, lane = ''): TurnOutcome {
    const outcome = say(turn, entry, lane)
    this.flusher.touch(turn)
    return outcome
  }

  /** The commit under way, after the flusher had time to begin it. */
  async next(): Promise<PendingCommit> {
    await settled()
    const commit = this.commits.at(-1)
    if (!commit) throw new Error('no commit is under way')
    return commit
  }

  async answer(outcome: CommitOutcome = 'committed'): Promise<void> {
    const { batches, resolve } = await this.next()
    resolve(batches.map(() => outcome))
    await settled()
  }

  async fail(): Promise<void> {
    const { reject } = await this.next()
    reject(new Error('no answer'))
    await settled()
  }

  /** The text that the store has of a turn's lane. */
  textOf(turnId: string, lane = ''): string {
    return this.stored
      .filter((batch) => batch.turnId === turnId)
      .flatMap(({ lanes }) => lanes.filter(({ after }) => after.name === lane))
      .flatMap(({ fresh }) => fresh)
      .map(({ entry }) => (entry.kind === 'text' ? entry.text : `<${entry.callId}>`))
      .join('')
  }

  #commit(batches: readonly FlushBatch[]): Promise<CommitOutcome[]> {
    return new Promise((resolve, reject) => {
      this.commits.push({ batches, bytes: JSON.stringify(batches), resolve, reject })
    })
  }
}
