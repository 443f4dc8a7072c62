import { setImmediate } from 'node:timers/promises'
import { RelayError } from '../protocol/errors.ts'
import type { Position } from '../protocol/position.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { Placed } from '../turns/entry.ts'
import { endOf } from '../turns/entry.ts'
import type { News } from '../turns/feed.ts'
import { joinTexts } from '../turns/parts.ts'
import type { TurnHeader } from '../turns/turn-store.ts'
import type { FollowedTurn } from './followed-turn.ts'
import type { Follower } from './follower.ts'
import type { Outlet } from './outlet.ts'

/** News kept for a viewer that is behind; one that misses more is cut off, and reads everything when it is back. */
const MAX_MISSED = 1000

/** A store without the words that it said it has is not asked for ever. */
const MAX_READS_IN_VAIN = 100

/** Text read from the store goes out in pieces of at most this many units. */
const PIECE_UNITS = 32_768

/** What a viewer is to the one who follows for it. */
export interface Viewer {
  readonly id: string
  readonly outlet: Pick<
    Outlet<unknown>,
    'bufferedBytes' | 'whenDrained' | 'join' | 'leave' | 'end' | 'terminate'
  >
  /** Level viewers share these rooms and what is written to them. */
  roomOf(chatSessionId: string): string
  entry(chatSessionId: string, turn: { turnId: string; attempt: number }, lane: string, placed: Placed): void
  news(news: News): void
  resumed(chatSessionId: string, heads: Position[]): void
}

/** What came of sending the words not stored yet: `older` ones have to be read from the store first. */
type Rest = 'sent' | 'older' | 'not followed'

/** What a viewer has been sent of one attempt. */
export interface Cursor {
  readonly turnId: string
  readonly attempt: number
  readonly lanes: Map<string, number>
}

type Item =
  | { readonly kind: 'turn'; readonly cursor: Cursor }
  | { readonly kind: 'resumed'; readonly cursors: readonly Cursor[] }
  | { readonly kind: 'news'; readonly news: News }

/**
 * One viewer's place in one session. `held`: everything waits for an answer to go first. `behind`: it is brought up,
 * item by item, from the store. `level`: it gets what its room gets, and its cursor is the follower's.
 */
export class Watcher {
  readonly viewer: Viewer
  readonly #follower: Follower
  #place: 'held' | 'behind' | 'level' | 'closed' = 'held'
  #items: Item[] = []
  /** The item being delivered: put back when the delivery is interrupted. */
  #current: Item | undefined
  #cursor: Cursor | undefined
  /** Counts the deliveries begun: an older one, waking from a wait, sees that it is over. */
  #run = 0
  /** Answers that have to go first: a join and a message may wait for theirs at the same time. */
  #holds = 0

  constructor(follower: Follower, viewer: Viewer) {
    this.#follower = follower
    this.viewer = viewer
  }

  get isLevel(): boolean {
    return this.#place === 'level'
  }

  /** Nothing more is sent until `release`. */
  hold(): void {
    if (this.#place === 'closed') return
    this.#holds += 1
    this.#leaveRoom()
    this.#interrupt()
    this.#place = 'held'
  }

  /** A join begins anew: what was waiting is told by its answer. */
  restart(): void {
    this.hold()
    this.#items = []
    this.#cursor = undefined
  }

  /** The answer is sent: now come the words after `cursors`, then `resumed`, then what is live. */
  resume(cursors: readonly Cursor[]): void {
    const turns = cursors.map((cursor): Item => ({ kind: 'turn', cursor }))
    this.#items.unshift(...turns, { kind: 'resumed', cursors })
    this.release()
  }

  release(): void {
    if (this.#place !== 'held') return
    this.#holds -= 1
    if (this.#holds > 0) return
    this.#place = 'behind'
    void this.#bringUp(++this.#run)
  }

  /** News that a viewer who is not level hears when its turn comes. */
  missed(news: News): void {
    if (this.#place === 'level' || this.#place === 'closed') return
    this.#items.push({ kind: 'news', news })
    if (this.#items.length <= MAX_MISSED) return
    this.viewer.outlet.terminate()
    this.close()
  }

  /** Its buffer is full: it leaves the room and reads on from the store when it has taken what it has. */
  fallBehind(): void {
    if (this.#place !== 'level') return
    this.hold()
    this.release()
  }

  close(): void {
    this.#leaveRoom()
    this.#interrupt()
    this.#place = 'closed'
    this.#items = []
  }

  #interrupt(): void {
    this.#run += 1
    if (this.#current) this.#items.unshift(this.#current)
    this.#current = undefined
  }

  #leaveRoom(): void {
    if (this.#place !== 'level') return
    this.viewer.outlet.leave(this.viewer.roomOf(this.#follower.chatSessionId))
    const followed = this.#follower.followed
    if (followed) this.#cursor = cursorAt(followed)
  }

  async #bringUp(run: number): Promise<void> {
    const isOver = (): boolean => this.#run !== run
    try {
      while (!isOver()) {
        await this.viewer.outlet.whenDrained()
        if (isOver()) return
        this.#current = this.#items.shift()
        if (this.#current) await this.#deliver(this.#current, isOver)
        else if (await this.#reachLevel(isOver)) return
        if (!isOver()) this.#current = undefined
      }
    } catch (error) {
      this.#follower.options.logger.warn('A viewer could not be brought up; it connects and joins again.', {
        chatSessionId: this.#follower.chatSessionId,
        error: String(error),
      })
      const cause = new RelayError('store_unavailable', 'The words stored cannot be read just now.', {
        cause: error,
      })
      this.viewer.outlet.end(cause)
    }
  }

  async #deliver(item: Item, isOver: () => boolean): Promise<void> {
    switch (item.kind) {
      case 'turn':
        this.#cursor = item.cursor
        await this.#readOn(item.cursor, isOver)
        break
      case 'resumed':
        this.viewer.resumed(this.#follower.chatSessionId, item.cursors.flatMap(headsOf))
        break
      case 'news':
        await this.#deliverNews(item.news, isOver)
        break
    }
  }

  async #deliverNews(news: News, isOver: () => boolean): Promise<void> {
    // An end stands at its heads: the words before it go first.
    if (news.name === 'turn:status' && isEnd(news.payload.status)) {
      const { turnId, attempt } = news.payload
      if (this.#cursor?.turnId === turnId && this.#cursor.attempt === attempt)
        await this.#readOn(this.#cursor, isOver)
      if (isOver()) return
    }
    if (news.name === 'turn:started') {
      const { turnId, attempt } = news.payload
      const known = this.#cursor?.turnId === turnId && this.#cursor.attempt >= attempt
      if (!known) this.#cursor = { turnId, attempt, lanes: new Map() }
    }
    this.viewer.news(news)
  }

  /** Sends everything of the attempt after the cursor that is stored, and then what the follower has besides. */
  async #readOn(cursor: Cursor, isOver: () => boolean): Promise<void> {
    for (let inVain = 0; inVain < MAX_READS_IN_VAIN;) {
      const before = lengthOf(cursor)
      const header = await this.#follower.options.store.readTurn(cursor.turnId)
      if (!header || isOver()) return
      await this.#readStored(cursor, header, isOver)
      if (isOver()) return
      if (this.#sendRest(cursor) !== 'older') return
      inVain = lengthOf(cursor) > before ? 0 : inVain + 1
      // A store that answers at once must not keep everybody else waiting.
      await setImmediate()
      if (isOver()) return
    }
    throw new Error('The store is behind what was said to be stored.')
  }

  async #readStored(cursor: Cursor, header: TurnHeader, isOver: () => boolean): Promise<void> {
    const earlier = header.earlier.find(({ attempt }) => attempt === cursor.attempt)
    const owner =
      header.attempt === cursor.attempt ? header : earlier && { turnId: header.turnId, ...earlier }
    if (!owner) return
    for (const [number, lane] of owner.lanes.entries()) {
      const from = cursor.lanes.get(lane.name) ?? 0
      if (from >= lane.length) continue
      for await (const placed of this.#follower.options.store.readLane(owner, number, from)) {
        if (isOver()) return
        this.#send(cursor, lane.name, placed)
        await this.viewer.outlet.whenDrained()
      }
      if (isOver()) return
    }
  }

  /** Sends the words that are not stored yet, if the follower has all of them. */
  #sendRest(cursor: Cursor): Rest {
    const followed = this.#follower.followed
    if (followed?.turnId !== cursor.turnId || followed.log.attempt !== cursor.attempt) return 'not followed'
    const lanes = [...followed.log.lanes]
    if (lanes.some(([lane, log]) => (cursor.lanes.get(lane) ?? 0) < log.base)) return 'older'
    this.#follower.handOn()
    for (const [lane, log] of lanes) {
      this.#send(cursor, lane, log.after(Math.min(cursor.lanes.get(lane) ?? 0, log.settled)))
    }
    return 'sent'
  }

  #send(cursor: Cursor, lane: string, placed: readonly Placed[]): void {
    for (const piece of joinTexts(placed, PIECE_UNITS)) {
      this.viewer.entry(this.#follower.chatSessionId, cursor, lane, piece)
      cursor.lanes.set(lane, endOf(piece))
    }
  }

  /** Nothing waits any more: level from here on, if nothing was said since. */
  async #reachLevel(isOver: () => boolean): Promise<boolean> {
    const followed = this.#follower.followed
    // A turn that ended and that this viewer did not ask for is none of its business.
    if (followed && (!isEnd(followed.status) || this.#cursor?.turnId === followed.turnId)) {
      const { turnId, log } = followed
      if (this.#cursor?.turnId !== turnId || this.#cursor.attempt !== log.attempt) {
        this.#cursor = { turnId, attempt: log.attempt, lanes: new Map() }
      }
      if (this.#sendRest(this.#cursor) !== 'sent') {
        await this.#readOn(this.#cursor, isOver)
        return false
      }
    }
    this.viewer.outlet.join(this.viewer.roomOf(this.#follower.chatSessionId))
    this.#place = 'level'
    return true
  }
}

function cursorAt({ turnId, log, handed }: FollowedTurn): Cursor {
  return { turnId, attempt: log.attempt, lanes: new Map(handed) }
}

function lengthOf({ lanes }: Cursor): number {
  return [...lanes.values()].reduce((sum, length) => sum + length, 0)
}

function headsOf({ turnId, attempt, lanes }: Cursor): Position[] {
  return [...lanes].map(([lane, offset]) => ({ turnId, attempt, lane, offset }))
}
