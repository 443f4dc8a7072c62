import type {
  AttachmentView,
  BlockView,
  SteerView,
  ToolCallView,
  TurnStatus,
  TurnSummary,
} from '../protocol/turn-view.ts'
import type { LaneHead } from '../protocol/position.ts'
import type { Entry, Placed } from '../turns/entry.ts'
import { BlockFold } from '../turns/fold.ts'
import { LaneLog } from '../turns/lane-log.ts'
import type { AppendOutcome } from '../turns/lane-log.ts'
import { MAIN_LANE } from '../turns/turn-log.ts'

class ViewedLane {
  readonly log = new LaneLog()
  #fold = new BlockFold()

  get fold(): BlockFold {
    return this.#fold
  }

  append(offset: number, entry: Entry): AppendOutcome {
    const before = this.log.settled
    const outcome = this.log.append(offset, entry)
    if (outcome === 'accepted') for (const placed of this.log.after(before)) this.#fold.push(placed.entry)
    return outcome
  }

  /** Takes back what lies at and after `offset`; true where anything did. */
  cut(offset: number): boolean {
    if (offset >= this.log.length) return false
    this.log.cut(offset)
    this.#fold = new BlockFold()
    for (const { entry } of this.log.after(0)) this.#fold.push(entry)
    return true
  }
}

type Described = Pick<TurnSummary, 'prompt' | 'droneId' | 'model' | 'messageId' | 'attachments'>

/** A turn as a viewer has it: its blocks grow as words come, and shrink only where the relay takes words back. */
export class ViewedTurn {
  readonly turnId: string
  readonly #lanes = new Map<string, ViewedLane>()
  attempt: number
  status: TurnStatus
  reason: string | undefined
  prompt: string
  droneId: string | undefined
  model: string | undefined
  /** The message that began it. */
  messageId: string | undefined
  attachments: readonly AttachmentView[] = []
  readonly #steers: SteerView[] = []

  constructor(turn: Pick<TurnSummary, 'turnId' | 'attempt' | 'status' | 'prompt'>) {
    this.turnId = turn.turnId
    this.attempt = turn.attempt
    this.status = turn.status
    this.prompt = turn.prompt
  }

  /** What is known of it beside its words. */
  describe(known: Described): void {
    this.prompt = known.prompt
    this.droneId = known.droneId
    this.model = known.model
    this.messageId = known.messageId ?? this.messageId
    this.attachments = known.attachments ?? this.attachments
  }

  /** Messages that its agent took while it worked, in the order it did. */
  get steers(): readonly SteerView[] {
    return this.#steers
  }

  /** False for one that is known. */
  steered(steer: SteerView): boolean {
    if (this.#steers.some(({ messageId }) => messageId === steer.messageId)) return false
    this.#steers.push(steer)
    return true
  }

  /** The blocks of the turn itself, or of a subagent's lane. */
  blocks(lane = MAIN_LANE): readonly BlockView[] {
    return this.#lanes.get(lane)?.fold.blocks ?? []
  }

  toolCalls(lane = MAIN_LANE): readonly ToolCallView[] {
    return this.#lanes.get(lane)?.fold.toolCalls ?? []
  }

  lanes(): string[] {
    return [...this.#lanes.keys()]
  }

  heads(): LaneHead[] {
    return [...this.#lanes].map(([lane, { log }]) => ({ lane, offset: log.length }))
  }

  length(lane: string): number {
    return this.#lanes.get(lane)?.log.length ?? 0
  }

  /** Entries as held: what was heard twice is left out. `from` is a length the lane has had. */
  after(lane: string, from: number): Placed[] {
    return this.#lanes.get(lane)?.log.after(from) ?? []
  }

  settled(lane: string): number {
    return this.#lanes.get(lane)?.log.settled ?? 0
  }

  append(lane: string, offset: number, entry: Entry): AppendOutcome {
    let viewed = this.#lanes.get(lane)
    if (!viewed) {
      if (offset > 0) return 'gap'
      viewed = new ViewedLane()
      this.#lanes.set(lane, viewed)
    }
    return viewed.append(offset, entry)
  }

  cut(lane: string, offset: number): boolean {
    return this.#lanes.get(lane)?.cut(offset) ?? false
  }

  /** A later attempt begins with nothing. */
  restart(attempt: number): void {
    this.attempt = attempt
    this.#lanes.clear()
  }
}
