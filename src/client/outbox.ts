import type { Limits } from '../protocol/drone-down.ts'
import type { LaneHead } from '../protocol/position.ts'
import { endOf } from '../turns/entry.ts'
import type { Entry, Placed } from '../turns/entry.ts'
import { TurnLog } from '../turns/turn-log.ts'

/** What the arguments of an entry take besides its strings: the position and the quotes. */
const ENTRY_BYTES = 120
/** The room of small entries is counted together up to this. */
const COUNT_TOGETHER_BYTES = 4096
/**
 * A head rewound this often in a row without progress will not get through. A relay that is full, or whose store is
 * away, rewinds too, so whoever sends waits longer and longer between them (`fruitless`): this many take minutes.
 */
const MAX_FRUITLESS = 40

interface Room {
  end: number
  bytes: number
}

interface Lane {
  /** What is sent on this connection. */
  sent: number
  /** Held and not stored, oldest first, to give its room back when it is. */
  readonly rooms: Room[]
  /** Rewinds in a row between which nothing more was held or stored. */
  fruitless: number
  /** The highest head that was rewound to on this connection. */
  rewoundTo: number
}

const encoder = new TextEncoder()

function bytesOf(entry: Entry): number {
  if (entry.kind === 'text') return ENTRY_BYTES + encoder.encode(entry.text).length
  const { callId, response, detail } = entry
  const own = entry.kind === 'call' ? [entry.name, entry.parameters] : [entry.subagent, entry.stats]
  return ENTRY_BYTES + encoder.encode(JSON.stringify([callId, response, detail, ...own])).length
}

/** Sends one entry; false where the socket takes nothing just now. */
export type SendEntry = (lane: string, placed: Placed) => boolean

/**
 * What a drone has said of one attempt and the relay has not stored yet. It is sent as "what comes after the other
 * side's head": after a reconnect or a rewind from there again, in pieces of any size.
 */
export class Outbox {
  readonly #log: TurnLog
  readonly #lanes = new Map<string, Lane>()
  #bytes = 0

  constructor(attempt: number) {
    this.#log = new TurnLog(attempt)
  }

  /** What is held, counted as the window counts it. */
  get bytes(): number {
    return this.#bytes
  }

  append(laneName: string, entry: Entry): void {
    const settled = this.#log.lanes.get(laneName)?.settled ?? 0
    const outcome = this.#log.append(this.#log.attempt, laneName, this.#log.length(laneName), entry)
    // Only empty text is no news at the end of a lane.
    if (outcome !== 'accepted') return
    const lane = this.#lane(laneName)
    // A half takes no room: no checkpoint covers it before its partner comes, and that may be what waits for room.
    const end = this.#log.lane(laneName).settled
    if (end === settled) return
    const bytes = bytesOf(entry)
    const last = lane.rooms.at(-1)
    if (last && last.bytes < COUNT_TOGETHER_BYTES && entry.kind === 'text') {
      last.end = end
      last.bytes += bytes
    } else lane.rooms.push({ end, bytes })
    this.#bytes += bytes
  }

  /** Nothing more will be said: a half of a pair that waits for its other half stays alone. */
  finish(): void {
    this.#log.closeHalves()
  }

  /** Sends what is not sent yet, cut to what one entry may have. */
  flush({ textUnits }: Pick<Limits, 'textUnits'>, send: SendEntry): void {
    for (const [name, lane] of this.#lanes) {
      let pieces: readonly Placed[]
      do {
        pieces = this.#log.lane(name).after(lane.sent, textUnits)
        for (const piece of pieces) {
          if (!send(name, piece)) return
          lane.sent = endOf(piece)
        }
      } while (pieces.length > 0)
    }
  }

  get hasUnsent(): boolean {
    return [...this.#lanes].some(([name, lane]) => lane.sent < this.#log.lane(name).settled)
  }

  /** The relay has stored the lane up to here: it need not be kept. */
  checkpoint(laneName: string, offset: number): void {
    const lane = this.#lanes.get(laneName)
    if (!lane) return
    const { base } = this.#log.lane(laneName)
    this.#log.lane(laneName).forget(offset)
    // Where one lane gets on, the relay has room again for the others, too.
    if (this.#log.lane(laneName).base > base) for (const each of this.#lanes.values()) each.fruitless = 0
    lane.sent = Math.max(lane.sent, Math.min(offset, this.#log.lane(laneName).base))
    for (let room = lane.rooms[0]; room && room.end <= offset; room = lane.rooms[0]) {
      this.#bytes -= room.bytes
      lane.rooms.shift()
    }
  }

  /** How often in a row the relay has asked for the same again although it was sent, and nothing got on meanwhile. */
  get fruitless(): number {
    return Math.max(0, ...[...this.#lanes.values()].map(({ fruitless }) => fruitless))
  }

  /** Back to what the relay holds; false where that is already forgotten, or will not get through. */
  rewind(laneName: string, offset: number): boolean {
    const lane = this.#lanes.get(laneName)
    if (!lane) return true
    lane.fruitless = offset > lane.rewoundTo ? 0 : lane.fruitless + 1
    lane.rewoundTo = Math.max(lane.rewoundTo, offset)
    if (offset < this.#log.lane(laneName).base || lane.fruitless > MAX_FRUITLESS) return false
    lane.sent = Math.min(lane.sent, offset)
    return true
  }

  /** A new connection: the relay has stored these heads, and nothing beyond them is certain. */
  reconnect(heads: readonly LaneHead[]): boolean {
    let isPossible = true
    for (const [name, lane] of this.#lanes) {
      const offset = heads.find((head) => head.lane === name)?.offset ?? 0
      if (offset < this.#log.lane(name).base) isPossible = false
      this.checkpoint(name, offset)
      lane.sent = Math.max(offset, this.#log.lane(name).base)
      lane.fruitless = 0
      lane.rewoundTo = -1
    }
    return isPossible
  }

  heads(): LaneHead[] {
    return this.#log.heads()
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name)
    if (!lane) {
      lane = { sent: 0, rooms: [], fruitless: 0, rewoundTo: -1 }
      this.#lanes.set(name, lane)
    }
    return lane
  }
}
