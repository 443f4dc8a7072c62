import { isEnd } from '../protocol/turn-view.ts'
import type { LaneHead } from '../protocol/position.ts'
import type { Clock } from '../turns/clock.ts'
import type { Placed } from '../turns/entry.ts'
import type { Feed, FeedEvent, News } from '../turns/feed.ts'
import type { Tail } from '../turns/live-turns.ts'
import { TurnLog } from '../turns/turn-log.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import { FollowedTurn } from './followed-turn.ts'
import { HandOn } from './hand-on.ts'
import type { Rounds } from './rounds.ts'
import type { Logger } from './socket-session.ts'
import { Watcher } from './watcher.ts'
import type { Viewer } from './watcher.ts'

/** How often viewers are told the heads, so that one who missed even the last word sees it. */
const HEAD_LIVE_MS = 2000
const HEAD_IDLE_MS = 20_000

/**
 * Words of each lane that are kept beyond their storing while somebody is brought up: a turn that goes on while the
 * store is being read would else always be ahead of who reads it.
 */
const KEPT_UNITS = 65_536

export interface FollowerOptions {
  readonly chatSessionId: string
  readonly feed: Feed
  readonly store: Pick<TurnStore, 'readSession' | 'readTurn' | 'readLane'>
  /** Asks the turn's owner for the words that are not stored yet. */
  readonly tail: (turnId: string) => Promise<Tail | undefined>
  readonly rooms: Rooms
  readonly clock: Clock
  readonly logger: Logger
  /** Where all followers of a node hand on. */
  readonly rounds: Rounds
  /** How long pieces may gather before they are handed on; the first after a silence never waits. */
  readonly mergeMs: number
  readonly viewerBufferBytes: number
  /** Nobody watches any more. */
  readonly onIdle: () => void
}

/** Where what all level viewers get is written once for all of them. */
export interface Rooms {
  entry(chatSessionId: string, turn: { turnId: string; attempt: number }, lane: string, placed: Placed): void
  news(news: News, chatSessionId: string): void
  live(chatSessionId: string, name: string, args: readonly unknown[]): void
  head(chatSessionId: string, head: object): void
}

/**
 * Stands between a chat session and those on this node who watch it. It takes words by position, hands on only what
 * is contiguous, and keeps what is not stored yet, so that a viewer who comes late or falls behind reads the store up
 * to there and gets the rest from here.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #watchers = new Map<string, Watcher>()
  readonly #unsubscribe: () => void
  #early: FeedEvent[] | undefined = []
  #followed: FollowedTurn | undefined
  #version = 0
  readonly #handOn: HandOn
  #cancelHead: (() => void) | undefined
  #closed = false
  readonly primed: Promise<void>

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#handOn = new HandOn({ ...options, handOn: () => this.handOn() })
    // Subscribed before anything is read: what is said meanwhile is applied by position afterwards.
    this.#unsubscribe = options.feed.subscribe(options.chatSessionId, (event) => this.#hear(event))
    this.primed = this.#prime()
    this.#scheduleHead()
  }

  get chatSessionId(): string {
    return this.#options.chatSessionId
  }

  get version(): number {
    return this.#version
  }

  get followed(): FollowedTurn | undefined {
    return this.#followed
  }

  get viewerCount(): number {
    return this.#watchers.size
  }

  get options(): FollowerOptions {
    return this.#options
  }

  /** The viewer's place in this session; made, holding back everything, where it has none yet. */
  watch(viewer: Viewer): Watcher {
    let watcher = this.#watchers.get(viewer.id)
    if (!watcher) {
      watcher = new Watcher(this, viewer)
      this.#watchers.set(viewer.id, watcher)
    }
    return watcher
  }

  watcherOf(viewerId: string): Watcher | undefined {
    return this.#watchers.get(viewerId)
  }

  leave(viewerId: string): void {
    const watcher = this.#watchers.get(viewerId)
    if (!watcher) return
    watcher.close()
    this.#watchers.delete(viewerId)
    if (this.#watchers.size === 0) this.#options.onIdle()
  }

  close(): void {
    this.#closed = true
    this.#unsubscribe()
    this.#handOn.close()
    this.#cancelHead?.()
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  /** Hands everything on that was taken: level viewers and `handed` are then at the settled heads. */
  handOn(): void {
    const followed = this.#followed
    if (!followed) return
    const { rooms } = this.#options
    const isMore = followed.handOn((lane, placed) =>
      rooms.entry(this.chatSessionId, turnOf(followed), lane, placed),
    )
    if (isMore) this.#handOn.done()
    this.#sendSlowBack()
  }

  heads(): LaneHead[] {
    return this.#followed?.log.heads() ?? []
  }

  async #prime(): Promise<void> {
    const { store, tail, chatSessionId } = this.#options
    try {
      const session = await store.readSession(chatSessionId)
      this.#version = Math.max(this.#version, session?.version ?? 0)
      if (session?.liveTurnId !== undefined) await this.#primeTurn(session.liveTurnId, tail)
    } catch (error) {
      this.#options.logger.warn(
        'A chat session could not be read; its viewers are told heads and join again.',
        {
          chatSessionId,
          error: String(error),
        },
      )
    }
    const early = this.#early ?? []
    this.#early = undefined
    for (const event of early) this.#apply(event)
  }

  async #primeTurn(turnId: string, tail: FollowerOptions['tail']): Promise<void> {
    const unstored = await tail(turnId)
    const header = await this.#options.store.readTurn(turnId)
    if (!header || isEnd(header.status)) return
    this.#followed = FollowedTurn.found(header, unstored)
  }

  #hear(event: FeedEvent): void {
    if (this.#early) this.#early.push(event)
    else this.#apply(event)
  }

  #apply(event: FeedEvent): void {
    switch (event.kind) {
      case 'words':
        this.#take(event)
        break
      case 'stored':
        this.#forget(event)
        break
      case 'news':
        this.#tell(event)
        break
      case 'live':
        this.#options.rooms.live(this.chatSessionId, event.name, event.args)
        break
    }
  }

  #take(event: FeedEvent & { kind: 'words' }): void {
    // Words of a turn that was not announced: the announcement was lost, and the heads will say so.
    if (this.#followed?.turnId !== event.turnId) return
    if (this.#followed.take(event)) this.#handOn.soon()
  }

  #forget({ turnId, attempt, heads }: FeedEvent & { kind: 'stored' }): void {
    const followed = this.#followed
    if (followed?.turnId !== turnId || followed.attempt !== attempt) return
    const isSomebodyBehind = [...this.#watchers.values()].some((watcher) => !watcher.isLevel)
    followed.forget(heads, isSomebodyBehind ? KEPT_UNITS : 0)
  }

  #tell(news: News): void {
    this.handOn()
    const { payload } = news
    this.#version = Math.max(this.#version, payload.version)
    if (news.name === 'turn:started') this.#begin(news.payload.turnId, news.payload.attempt)
    if (news.name === 'turn:status' && this.#followed?.turnId === news.payload.turnId) {
      this.#followed.status = news.payload.status
      this.#scheduleHead()
    }
    this.#options.rooms.news(news, this.chatSessionId)
    for (const watcher of this.#watchers.values()) watcher.missed(news)
  }

  #begin(turnId: string, attempt: number): void {
    const followed = this.#followed
    if (followed?.turnId !== turnId || followed.attempt < attempt) {
      this.#followed = new FollowedTurn(turnId, 'processing', new TurnLog(attempt))
    } else followed.status = 'processing'
    this.#scheduleHead()
  }

  #sendSlowBack(): void {
    const { viewerBufferBytes } = this.#options
    for (const watcher of this.#watchers.values()) {
      if (watcher.viewer.outlet.bufferedBytes > viewerBufferBytes) watcher.fallBehind()
    }
  }

  #scheduleHead(): void {
    if (this.#closed) return
    this.#cancelHead?.()
    const live = this.#followed?.isLive === true
    this.#cancelHead = this.#options.clock.after(live ? HEAD_LIVE_MS : HEAD_IDLE_MS, () => {
      this.#tellHead()
      this.#scheduleHead()
    })
  }

  #tellHead(): void {
    this.handOn()
    const followed = this.#followed
    const { chatSessionId } = this
    this.#options.rooms.head(chatSessionId, {
      chatSessionId,
      version: this.#version,
      ...(followed ? { ...turnOf(followed), status: followed.status } : {}),
      lanes: this.heads(),
    })
  }
}

function turnOf({ turnId, attempt }: FollowedTurn): { turnId: string; attempt: number } {
  return { turnId, attempt }
}
