import { endOf, slicePlaced } from '../../src/turns/entry.ts'
import type { Placed } from '../../src/turns/entry.ts'
import { joinTexts } from '../../src/turns/parts.ts'
import { TurnLog } from '../../src/turns/turn-log.ts'
import { Outbox } from '../../src/client/outbox.ts'
import { ViewedSession } from '../../src/client/viewed-session.ts'
import type { SessionChange } from '../../src/client/viewed-session.ts'
import { joinAnswer } from './viewing.ts'

export const TURN = { turnId: 'turn-1', attempt: 1 } as const

interface Frame {
  readonly lane: string
  readonly placed: Placed
}

/** What happens to the words that are on their way over a link. */
type Fate = 'arrive' | 'drop' | 'repeat'

/**
 * A drone's outbox, a relay and a viewer, with a lossy link before and behind the relay. The links keep their order
 * and lose, repeat and merge what they carry; a reconnect empties them.
 */
export class Chain {
  readonly outbox = new Outbox(TURN.attempt)
  /** What the viewer was told, in its order; `cut` takes the end away. */
  readonly heard = new Map<string, Placed[]>()
  readonly view: ViewedSession
  readonly #stored = new Map<string, Placed[]>()
  #relay = new TurnLog(TURN.attempt)
  #up: Frame[] = []
  #down: Frame[] = []
  readonly #gaps = new Set<string>()

  constructor() {
    this.view = new ViewedSession('chat', (change) => this.#note(change))
    this.rejoin()
  }

  flush(textUnits: number): void {
    this.outbox.flush({ textUnits }, (lane, placed) => this.#up.push({ lane, placed }) > 0)
  }

  /** The next frame from the drone meets its fate. */
  passUp(fate: Fate): void {
    const [frame] = this.#up
    if (!frame) return
    if (fate !== 'repeat') this.#up.shift()
    if (fate !== 'drop') this.#hear(frame)
  }

  passDown(fate: Fate): void {
    const [frame] = this.#down
    if (!frame) return
    if (fate !== 'repeat') this.#down.shift()
    if (fate !== 'drop') this.#show(frame)
  }

  /** A commit: the drone is told what it may forget, and the relay forgets. */
  store(): void {
    for (const [lane, log] of this.#relay.lanes) {
      const words = this.#storedOf(lane)
      words.push(...log.after(headOf(words)))
      log.forget(log.settled)
      this.outbox.checkpoint(lane, log.settled)
    }
  }

  /** The relay dies and another one reads what is stored. The drone and the viewer connect to that. */
  crash(): void {
    this.#relay = new TurnLog(TURN.attempt)
    for (const [lane, words] of this.#stored) this.#relay.lane(lane, headOf(words))
    this.reconnect()
    this.rejoin()
  }

  reconnect(): void {
    this.#up = []
    this.#gaps.clear()
    const heads = [...this.#stored].map(([lane, words]) => ({ lane, offset: headOf(words) }))
    if (!this.outbox.reconnect(heads)) throw new Error('the drone has forgotten what is not stored')
  }

  rejoin(): void {
    this.#down = []
    const cursors = this.view.cursors()
    const heads = this.#relay.heads()
    const lanes = new Set([...heads.map(({ lane }) => lane), ...cursors.map(({ lane }) => lane ?? '')])
    const resume = [...lanes].map((lane) => {
      const head = heads.find((one) => one.lane === lane)?.offset ?? 0
      const cursor = cursors.find((one) => (one.lane ?? '') === lane)?.offset ?? 0
      return { ...TURN, lane, from: Math.min(head, cursor) }
    })
    this.view.joined(joinAnswer({ turns: [{ ...TURN, heads }], resume }))
    for (const { lane, from } of resume) this.#send(lane, from)
  }

  /** Everything said arrives everywhere. */
  finish(): void {
    this.outbox.finish()
    this.reconnect()
    this.flush(7)
    while (this.#up.length > 0) this.passUp('arrive')
    this.#relay.closeHalves()
    this.rejoin()
    while (this.#down.length > 0) this.passDown('arrive')
    this.store()
  }

  get unsent(): boolean {
    return this.outbox.hasUnsent
  }

  stored(lane: string): Placed[] {
    return this.#storedOf(lane)
  }

  #hear({ lane, placed }: Frame): void {
    const before = this.#relay.lanes.get(lane)?.settled ?? 0
    const outcome = this.#relay.append(TURN.attempt, lane, placed.offset, placed.entry)
    if (outcome === 'gap') {
      if (this.#gaps.has(lane)) return
      this.#gaps.add(lane)
      // A head that was rewound too often ends the turn; here the drone connects again instead.
      if (!this.outbox.rewind(lane, this.#relay.length(lane))) this.reconnect()
      return
    }
    this.#gaps.delete(lane)
    if (outcome !== 'accepted') return
    // What goes on to the viewer begins with a repeat of what went before.
    const from = Math.max(this.#relay.lane(lane).base, before - 2)
    for (const piece of this.#relay.after(lane, from)) this.#down.push({ lane, placed: piece })
  }

  #show({ lane, placed: { offset, entry } }: Frame): void {
    const at = { ...TURN, lane, offset, chatSessionId: 'chat' }
    if (this.view.heard({ at, entry }) !== undefined) this.rejoin()
  }

  /** A viewer that catches up reads the store and then what the relay holds. */
  #send(lane: string, from: number): void {
    const words = [...this.#storedOf(lane), ...this.#relay.after(lane, headOf(this.#storedOf(lane)))]
    for (const placed of joinTexts(words, 50)) {
      const piece = slicePlaced(placed, from)
      if (piece) this.#down.push({ lane, placed: piece })
    }
  }

  #note(change: SessionChange): void {
    if (change.kind !== 'entry' && change.kind !== 'cut') return
    const words = this.heard.get(change.lane) ?? []
    this.heard.set(change.lane, words)
    if (change.kind === 'entry') words.push({ offset: headOf(words), entry: change.entry })
    else {
      const kept = words.flatMap((placed) => slicePlaced(placed, 0, change.turn.length(change.lane)) ?? [])
      this.heard.set(change.lane, kept)
    }
  }

  #storedOf(lane: string): Placed[] {
    const words = this.#stored.get(lane) ?? []
    this.#stored.set(lane, words)
    return words
  }
}

function headOf(words: readonly Placed[]): number {
  const last = words.at(-1)
  return last ? endOf(last) : 0
}
