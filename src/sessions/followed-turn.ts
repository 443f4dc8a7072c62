import type { LaneHead } from '../protocol/position.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import type { Placed } from '../turns/entry.ts'
import type { FeedEvent } from '../turns/feed.ts'
import type { Tail } from '../turns/live-turns.ts'
import { TurnLog } from '../turns/turn-log.ts'
import type { TurnHeader } from '../turns/turn-store.ts'

/** The turn that a follower follows: the words that are not known to be stored, and how far they were handed on. */
export class FollowedTurn {
  readonly turnId: string
  status: TurnStatus
  readonly log: TurnLog
  readonly #handed: Map<string, number>
  /** What was taken and not handed on, lane by lane in the order of arrival. */
  readonly #taken: { readonly lane: string; end: number }[] = []

  constructor(turnId: string, status: TurnStatus, log: TurnLog) {
    this.turnId = turnId
    this.status = status
    this.log = log
    this.#handed = new Map(log.heads().map(({ lane, offset }) => [lane, offset]))
  }

  /** As it was found: stored up to the header's lanes, or as its owner has it. */
  static found(header: TurnHeader, unstored: Tail | undefined): FollowedTurn {
    const log = new TurnLog(unstored?.attempt ?? header.attempt)
    const lanes =
      unstored?.lanes ?? header.lanes.map(({ name, length }) => ({ lane: name, base: length, entries: [] }))
    for (const { lane, base, entries } of lanes) {
      const held = log.lane(lane, base)
      for (const { offset, entry } of entries) held.append(offset, entry)
    }
    return new FollowedTurn(header.turnId, header.status, log)
  }

  get attempt(): number {
    return this.log.attempt
  }

  get isLive(): boolean {
    return !isEnd(this.status)
  }

  /** The heads that level viewers are at. */
  get handed(): ReadonlyMap<string, number> {
    return this.#handed
  }

  /** True where something of it is new and can be handed on. */
  take({ attempt, lane, placed }: FeedEvent & { kind: 'words' }): boolean {
    let isNew = false
    for (const { offset, entry } of placed) {
      const outcome = this.log.append(attempt, lane, offset, entry)
      if (outcome === 'gap') return false
      if (outcome === 'accepted') isNew = true
    }
    if (!isNew) return false
    const end = this.log.lane(lane).settled
    const last = this.#taken.at(-1)
    if (last?.lane === lane) last.end = end
    else this.#taken.push({ lane, end })
    return true
  }

  /** Hands on everything that was taken; false where nothing was. */
  handOn(send: (lane: string, placed: Placed) => void): boolean {
    if (this.#taken.length === 0) return false
    for (const { lane, end } of this.#taken.splice(0)) {
      const log = this.log.lane(lane)
      const from = this.#handed.get(lane) ?? log.base
      for (const placed of log.after(from, end - from)) send(lane, placed)
      this.#handed.set(lane, end)
    }
    return true
  }

  /** It is stored up to `heads`: what was handed on before that is dropped, but for the last `kept` units. */
  forget(heads: readonly LaneHead[], kept: number): void {
    for (const { lane, offset } of heads) {
      const handed = this.#handed.get(lane) ?? 0
      this.log.lanes.get(lane)?.forget(Math.min(offset, handed) - kept)
    }
  }
}
