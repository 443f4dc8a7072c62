import type { MemoryStore } from './memory-store.ts'
import { CHAT } from './model-config.ts'
import type { ModelRelay } from './model-relay.ts'
import type { Frame } from './model-socket.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import type { EndStatus, TurnStatus } from '../../src/protocol/turn-view.ts'
import type { Turn } from '../../src/turns/turn.ts'
import type { FlushBatch, LaneFlush } from '../../src/turns/turn-store.ts'

/** A mechanism that is switched off in a control run: the model has to notice. */
export type Breakage =
  | 'ack before commit'
  | 'no dedup'
  | 'no gap check'
  | 'no fencing'
  | 'rebuilt batch'
  | 'end before words'
  | 'end before commit'
  | 'steers forgotten'

/** Takes words without looking at where they belong. */
export function breakAppend(relay: ModelRelay, breakage: Breakage | undefined): void {
  if (breakage !== 'no dedup' && breakage !== 'no gap check') return
  const { turns } = relay
  const append = turns.append.bind(turns)
  turns.append = (turn, attempt, lane, offset, entry) => {
    const received = turn.received(lane)
    const isMoved = breakage === 'no dedup' ? offset < received : offset > received
    return append(turn, attempt, lane, isMoved ? received : offset, entry)
  }
}

/** Does not hear from a completion which messages its agent has taken. */
export function breakSteering(relay: ModelRelay, breakage: Breakage | undefined): void {
  if (breakage !== 'steers forgotten') return
  Object.assign(relay.droneWorld, { steering: { named: () => undefined } })
}

/** Speaks of a commit before it is made, or makes another one of it. */
export class BrokenCommits {
  readonly #breakage: Breakage | undefined
  readonly #store: MemoryStore
  readonly #seen = new WeakSet<FlushBatch>()

  constructor(breakage: Breakage | undefined, store: MemoryStore) {
    this.#breakage = breakage
    this.#store = store
  }

  leaving(relay: ModelRelay, batches: readonly FlushBatch[]): void {
    for (const batch of batches) {
      const turn = relay.turns.get(batch.turnId)
      if (!turn) continue
      if (this.#breakage === 'ack before commit') relay.acknowledge(turn, batch)
      if (this.#breakage === 'end before commit') this.#tellEnd(relay, batch)
      if (this.#breakage === 'rebuilt batch' && this.#seen.has(batch)) rebuild(turn, batch)
      this.#seen.add(batch)
    }
  }

  #tellEnd(relay: ModelRelay, { turnId, attempt, state }: FlushBatch): void {
    if (!state || !isEnd(state.status)) return
    const version = (this.#store.readSession(CHAT)?.version ?? 0) + 1
    const payload = { chatSessionId: CHAT, version, turnId, attempt, status: state.status }
    relay.feed.publish(CHAT, { kind: 'news', name: 'turn:status', payload })
  }
}

/** The batch that was on its way is made anew with what was said since: in place, so that the turn believes it too. */
function rebuild(turn: Turn, batch: FlushBatch): void {
  const lanes = batch.lanes.map((lane): LaneFlush => {
    const { after } = lane
    const more = turn.after(after.name, after.length)
    const last = more.at(-1)
    if (!last) return lane
    const length = turn.settled(after.name)
    return {
      ...lane,
      fresh: [...lane.fresh, ...more],
      after: { ...after, length, open: [...after.open, ...more] },
    }
  })
  Object.assign(batch, { lanes })
}

/** An end overtakes the words before it, and does not say how many they are. */
export function endFirst(waiting: Frame[]): void {
  const at = waiting.findIndex(({ name, args }) => name === 'turn:status' && endIn(args) !== undefined)
  const [end] = at > 0 ? waiting.splice(at, 1) : []
  if (!end) return
  const [news] = end.args as [object]
  waiting.unshift({ ...end, args: [{ ...news, heads: undefined }] })
}

export function endIn([news]: readonly unknown[]): EndStatus | undefined {
  const { status } = news as { status: TurnStatus }
  return isEnd(status) ? status : undefined
}
