import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { EndStatus, TurnStatus } from '../protocol/turn-view.ts'
import type { Clock } from '../turns/clock.ts'
import type { Entry, Placed } from '../turns/entry.ts'
import type { Feed, FeedEvent, News } from '../turns/feed.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import type { Permissions } from '../turns/permissions.ts'
import { MAIN_LANE } from '../turns/turn-log.ts'
import type { TurnHeader, TurnStore } from '../turns/turn-store.ts'

/** Calls that an agent is in at once, of which it is said. */
const MOST_CALLS = 100
/** How much of what is stored says what an agent does: so many calls with their results. */
const LOOK_BACK_UNITS = 2 * MOST_CALLS
/** What may be said while the store is read: more than any agent says in the time that one asks for. */
const MOST_EARLY = 10_000

type LiveStatus = Exclude<TurnStatus, EndStatus>
type Doing = 'thinking' | 'responding' | 'tool'

export interface AgentNow {
  readonly value: Doing | 'idle' | 'waiting' | 'queued' | 'recovering'
  /** The newest it is in. */
  readonly tool: string | null
  /** When the relay saw that, epoch ms. */
  readonly since: number
}

/** The turn that it works on, or that waits for it. */
interface Work {
  readonly turnId: string
  readonly attempt: number
  readonly status: LiveStatus
  /** Somebody has to permit something first. */
  readonly asks: boolean
  doing: Doing
  /** What it has called and has no result of, the newest last: names by id. */
  readonly calls: Map<string, string>
}

export interface AgentStateOptions {
  readonly chatSessionId: string
  readonly feed: Pick<Feed, 'subscribe'>
  readonly store: Pick<TurnStore, 'readSession' | 'readTurn' | 'readLane'>
  /** The words that are not stored yet. */
  readonly turns: Pick<LiveTurns, 'tail'>
  readonly permissions: Pick<Permissions, 'openOf'>
  readonly clock: Pick<Clock, 'now'>
}

/** [TM8] What the agent of a chat session does just now, as its turns say. */
export class AgentState {
  readonly #options: AgentStateOptions
  readonly #unsubscribe: () => void
  #early: FeedEvent[] | undefined = []
  #work: Work | undefined
  #now: AgentNow
  #listener: () => void = () => undefined

  private constructor(options: AgentStateOptions) {
    this.#options = options
    this.#now = { value: 'idle', tool: null, since: options.clock.now() }
    // Before anything is read: what is said meanwhile comes afterwards, and again where it was read, which is no harm.
    this.#unsubscribe = options.feed.subscribe(options.chatSessionId, (event) => this.#hear(event))
  }

  /** Resolves when it is known. Whoever asks for it closes it. */
  static async of(options: AgentStateOptions): Promise<AgentState> {
    const state = new AgentState(options)
    try {
      await state.#find()
      return state
    } catch (error) {
      state.close()
      throw error
    }
  }

  get now(): AgentNow {
    return this.#now
  }

  /** Called after every change. */
  listen(listener: () => void): void {
    this.#listener = listener
  }

  close(): void {
    this.#unsubscribe()
  }

  async #find(): Promise<void> {
    const { store, turns, permissions, chatSessionId } = this.#options
    const turnId = (await store.readSession(chatSessionId))?.liveTurnId
    if (turnId !== undefined) {
      // The words first: those that are stored in between are in both, and not in neither.
      const unstored = turns.tail(turnId)
      const header = await store.readTurn(turnId)
      if (header && !isEnd(header.status)) {
        this.#goesOn(turnId, header.attempt, header.status, permissions.openOf(turnId).length > 0)
        await this.#readLast(header)
        const own = unstored?.lanes.find(({ lane }) => lane === MAIN_LANE)
        if (own && unstored?.attempt === header.attempt) this.#take(own.entries)
      }
    }
    const early = this.#early ?? []
    if (early.length > MOST_EARLY) throw new RelayError('store_unavailable', 'The store is too slow.')
    this.#early = undefined
    for (const event of early) this.#apply(event)
    this.#look()
  }

  async #readLast(header: TurnHeader): Promise<void> {
    const number = header.lanes.findIndex(({ name }) => name === MAIN_LANE)
    const from = Math.max(0, (header.lanes[number]?.length ?? 0) - LOOK_BACK_UNITS)
    if (number === -1) return
    for await (const placed of this.#options.store.readLane(header, number, from)) this.#take(placed)
  }

  #hear(event: FeedEvent): void {
    if (this.#early) {
      this.#early.push(event)
      if (this.#early.length > MOST_EARLY) this.close()
      return
    }
    this.#apply(event)
    if (this.#look()) this.#listener()
  }

  #apply(event: FeedEvent): void {
    if (event.kind === 'news') this.#applyNews(event)
    if (event.kind !== 'words' || event.lane !== MAIN_LANE) return
    const { turnId, attempt, placed } = event
    if (this.#work?.turnId === turnId && this.#work.attempt === attempt) this.#take(placed)
  }

  #applyNews({ name, payload }: News): void {
    if (name === 'turn:started') this.#goesOn(payload.turnId, payload.attempt, 'processing', false)
    if (name !== 'turn:status') return
    const { turnId, attempt, status, waitingFor } = payload
    if (!isEnd(status)) this.#goesOn(turnId, attempt, status, waitingFor === 'permission')
    // The next one may have begun when the end of this one is told.
    else if (this.#work?.turnId === turnId) this.#work = undefined
  }

  #goesOn(turnId: string, attempt: number, status: LiveStatus, asks: boolean): void {
    const known = this.#work?.turnId === turnId ? this.#work : undefined
    if (known && attempt < known.attempt) return
    const anew = { doing: 'thinking', calls: new Map<string, string>() } as const
    const { doing, calls } = known?.attempt === attempt ? known : anew
    this.#work = { turnId, attempt, status, asks, doing, calls }
  }

  #take(placed: readonly Placed[]): void {
    for (const { entry } of placed) if (this.#work) say(this.#work, entry)
  }

  /** Whether it is another one than before. */
  #look(): boolean {
    const { value, tool } = present(this.#work)
    if (value === this.#now.value && tool === this.#now.tool) return false
    this.#now = { value, tool, since: this.#options.clock.now() }
    return true
  }
}

function say(work: Work, entry: Entry): void {
  const { calls } = work
  switch (entry.kind) {
    case 'text':
      // Whoever speaks waits for none of them.
      calls.clear()
      work.doing = entry.mode
      break
    case 'call':
      calls.delete(entry.callId)
      // One that comes with its response is over already.
      if (entry.response === '') calls.set(entry.callId, entry.name)
      forgetOldest(calls)
      work.doing = calls.size > 0 ? 'tool' : 'thinking'
      break
    case 'result':
      calls.delete(entry.callId)
      if (work.doing === 'tool' && calls.size === 0) work.doing = 'thinking'
      break
  }
}

/** Their names are a drone's invention: one that never answers may not fill the memory. */
function forgetOldest(calls: Map<string, string>): void {
  const [oldest] = calls.keys()
  if (calls.size > MOST_CALLS && oldest !== undefined) calls.delete(oldest)
}

function present(work: Work | undefined): Pick<AgentNow, 'value' | 'tool'> {
  if (!work) return { value: 'idle', tool: null }
  if (work.status !== 'processing') return { value: work.status, tool: null }
  const tool = [...work.calls.values()].at(-1) ?? null
  return { value: work.asks ? 'waiting' : work.doing, tool }
}
