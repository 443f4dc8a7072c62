import type { Cursor, JoinAnswer, OpenPermission, QueuedMessageView } from '../protocol/code-up.ts'
import type { CodeDown, TurnStatusChanged } from '../protocol/code-down.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { LaneHead, Position } from '../protocol/position.ts'
import type { EndStatus, SessionView, SteerView, TurnStatus } from '../protocol/turn-view.ts'
import type { Entry } from '../turns/entry.ts'
import type { HeardEntry } from './heard-entry.ts'
import { ViewedQuestions } from './viewed-questions.ts'
import type { QuestionAnswered, QuestionAsked } from './viewed-questions.ts'
import { ViewedTurn } from './viewed-turn.ts'

/** What a viewer hears of a session it watches. Words come once and in order; `cut` takes some back. */
export type SessionChange =
  | { readonly kind: 'entry'; readonly turn: ViewedTurn; readonly lane: string; readonly entry: Entry }
  | { readonly kind: 'cut'; readonly turn: ViewedTurn; readonly lane: string }
  | { readonly kind: 'started'; readonly turn: ViewedTurn }
  | { readonly kind: 'status'; readonly turn: ViewedTurn; readonly waitingFor: string | undefined }
  | QuestionAsked
  | QuestionAnswered
  /** What waits is as `ViewedSession.queue` has it. */
  | { readonly kind: 'queue'; readonly queue: readonly QueuedMessageView[] }
  /** A message that came while the agent worked: it has taken it. */
  | { readonly kind: 'steered'; readonly turn: ViewedTurn; readonly steer: SteerView }
  /** How the session is set is as `ViewedSession.info` has it. */
  | { readonly kind: 'info'; readonly info: SessionInfo }
  | { readonly kind: 'resumed' }

/** Why a session has to be joined again. */
export type Missed = 'gap' | 'version' | 'head'

interface KnownEnd {
  readonly status: EndStatus
  readonly reason: string | undefined
  readonly heads: readonly LaneHead[]
}

interface Head {
  readonly version: number
  readonly turnId?: string | undefined
  readonly attempt?: number | undefined
  readonly lanes: readonly LaneHead[]
}

type Started = Omit<Parameters<CodeDown['turn:started']>[0], 'chatSessionId'>
type Steered = Parameters<CodeDown['turn:steered']>[0]
type QueueChanged = Parameters<CodeDown['queue:changed']>[0]
export type SessionInfo = Parameters<CodeDown['session:info']>[0]

/**
 * A chat session as one viewer holds it, by the rules of docs/protocol.md, "Joining". Pure: it says by its answers when
 * something was missed, and whoever owns the connection joins again.
 */
export class ViewedSession {
  readonly chatSessionId: string
  readonly #onChange: (change: SessionChange) => void
  readonly #turns = new Map<string, ViewedTurn>()
  /** Turns of which words are missing: the next join begins with the oldest of them. */
  readonly #behind = new Set<string>()
  /** Ends known of before their words: told when the last of these has come. */
  readonly #ends = new Map<string, KnownEnd>()
  readonly #questions: ViewedQuestions
  /** The highest seen; none before the first answer or event, and then that is where counting begins. */
  #version: number | undefined
  session: SessionView | undefined
  /** What waits, the next one first. */
  queue: readonly QueuedMessageView[] = []
  /** How the session is set, as last told. */
  info: SessionInfo | undefined
  /** There are older turns than those held: they are read over HTTP. */
  more = false

  constructor(chatSessionId: string, onChange: (change: SessionChange) => void) {
    this.chatSessionId = chatSessionId
    this.#onChange = onChange
    this.#questions = new ViewedQuestions(onChange)
  }

  /** Oldest first. */
  get turns(): ViewedTurn[] {
    return [...this.#turns.values()]
  }

  /** What agents ask and nobody has answered, the oldest first. */
  get permissions(): OpenPermission[] {
    return this.#questions.open
  }

  turn(turnId: string): ViewedTurn | undefined {
    return this.#turns.get(turnId)
  }

  /** From where to go on: the newest turn is enough, for what came after it follows; unless an older one is not whole. */
  cursors(): Cursor[] {
    const { turns } = this
    const oldest = turns.findIndex((turn) => !this.#isWhole(turn))
    return turns.slice(oldest).flatMap((turn) => {
      const { turnId, attempt } = turn
      const heads = turn.heads()
      if (heads.length === 0) return [{ turnId, attempt, lane: '', offset: 0 }]
      return heads.map(({ lane, offset }) => ({ turnId, attempt, lane, offset }))
    })
  }

  /** A turn that was just sent from here: it is watched from its beginning. */
  expect(turnId: string, prompt: string): ViewedTurn {
    return this.#turnOf({ turnId, attempt: 1, status: 'queued', prompt })
  }

  /** Where the answer was asked for before a turn was known that is held now, another join is needed. */
  joined(answer: JoinAnswer): Missed | undefined {
    this.session = answer.session
    this.#version = Math.max(this.#version ?? 0, answer.version)
    this.more = answer.more ?? false
    if (this.more) this.#dropBroken(answer.turns)
    this.#behind.clear()
    this.#ends.clear()
    for (const summary of answer.turns) {
      // The words of a turn that is new here follow this answer, and its end follows them.
      const turn = this.#turnOf({ ...summary, status: isEnd(summary.status) ? 'processing' : summary.status })
      const isAnew = turn.attempt !== summary.attempt
      if (isAnew) {
        turn.restart(summary.attempt)
        turn.status = 'processing'
      }
      turn.describe(summary)
      // The news of the attempt was missed: whoever shows the turn has to know that it begins with nothing.
      if (isAnew) this.#onChange({ kind: 'started', turn })
      for (const steer of summary.steers ?? []) this.#tellSteer(turn, steer)
      const points = answer.resume.filter(({ turnId }) => turnId === turn.turnId)
      for (const lane of turn.lanes()) {
        const from = points.find((point) => point.lane === lane)?.from ?? 0
        if (turn.cut(lane, from)) this.#onChange({ kind: 'cut', turn, lane })
      }
      const { status, reason, heads } = summary
      if (isEnd(status)) {
        this.#ends.set(turn.turnId, { status, reason, heads })
        this.#tellEnd(turn)
      } else this.#tellStatus(turn, status, reason, summary.waitingFor)
    }
    this.#questions.settle(answer.permissions)
    this.#setQueue(answer.queue)
    for (const { turnId, reason } of answer.resume) if (reason === 'unknown') this.#turns.delete(turnId)
    const answered = new Set(answer.turns.map(({ turnId }) => turnId))
    const lacking = this.turns.filter((turn) => !answered.has(turn.turnId) && !isEnd(turn.status))
    for (const turn of lacking) this.#lacksWords(turn)
    return lacking.length > 0 ? 'gap' : undefined
  }

  heard({ at, entry }: HeardEntry): Missed | undefined {
    const turn = this.#turns.get(at.turnId)
    if (!turn) return 'gap'
    if (at.attempt > turn.attempt) return this.#lacksWords(turn)
    if (at.attempt < turn.attempt) return undefined
    const lane = at.lane ?? ''
    const before = turn.settled(lane)
    const outcome = turn.append(lane, at.offset, entry)
    if (outcome === 'gap') return this.#lacksWords(turn)
    for (const placed of turn.after(lane, before)) {
      this.#onChange({ kind: 'entry', turn, lane, entry: placed.entry })
    }
    if (outcome === 'accepted') this.#tellEnd(turn)
    return undefined
  }

  resumed(heads: readonly Position[]): Missed | undefined {
    this.#onChange({ kind: 'resumed' })
    let missed: Missed | undefined
    for (const { turnId, attempt, lane, offset } of heads) {
      const turn = this.#turns.get(turnId)
      if (turn?.attempt === attempt && turn.length(lane ?? '') < offset) missed = this.#lacksWords(turn)
    }
    return missed
  }

  started(news: Started): Missed | undefined {
    const turn = this.#turnOf({ ...news, status: 'processing' })
    if (news.attempt >= turn.attempt) {
      const isAnew = news.attempt > turn.attempt
      if (isAnew) {
        turn.restart(news.attempt)
        this.#ends.delete(turn.turnId)
      }
      if (isAnew || !isEnd(turn.status)) turn.status = 'processing'
      turn.reason = undefined
      turn.describe(news)
      this.#onChange({ kind: 'started', turn })
    }
    return this.counted(news.version)
  }

  statusChanged(news: TurnStatusChanged): Missed | undefined {
    const turn = this.#turns.get(news.turnId)
    // A turn that waits says its prompt when it starts.
    if (!turn && news.status === 'queued') return this.counted(news.version)
    if (!turn) return this.counted(news.version) ?? 'gap'
    if (news.attempt > turn.attempt) return this.counted(news.version) ?? this.#lacksWords(turn)
    if (news.attempt < turn.attempt) return this.counted(news.version)
    const missed = this.counted(news.version)
    // An end that comes before its words is told after them: the next join brings both.
    if (news.heads && this.#cutTo(turn, news.heads)) return this.#lacksWords(turn)
    this.#tellStatus(turn, news.status, news.reason, news.waitingFor)
    return missed
  }

  asked(
    news: OpenPermission & { readonly chatSessionId?: string; readonly version: number },
  ): Missed | undefined {
    const { version, chatSessionId: _chatSessionId, ...permission } = news
    this.#questions.asked(permission)
    return this.counted(version)
  }

  answered(
    news: Parameters<ViewedQuestions['answered']>[0] & { readonly version: number },
  ): Missed | undefined {
    this.#questions.answered(news)
    return this.counted(news.version)
  }

  steered({ turnId, chatSessionId: _chatSessionId, version, ...steer }: Steered): Missed | undefined {
    const turn = this.#turns.get(turnId)
    if (turn) this.#tellSteer(turn, steer)
    return this.counted(version)
  }

  queueChanged({ queue, version }: Pick<QueueChanged, 'queue' | 'version'>): Missed | undefined {
    this.#setQueue(queue)
    return this.counted(version)
  }

  infoChanged(info: SessionInfo): Missed | undefined {
    this.info = info
    this.#onChange({ kind: 'info', info })
    return this.counted(info.version)
  }

  head({ version, turnId, attempt, lanes }: Head): Missed | undefined {
    if (this.#version !== undefined && version > this.#version) return 'head'
    // Heads tell of one turn: the words before another's end, named by the last join's answer, had to come before this.
    if (this.#ends.size > 0) return 'head'
    const turn = turnId === undefined ? undefined : this.#turns.get(turnId)
    if (!turn || attempt !== turn.attempt)
      return turn && attempt !== undefined && attempt > turn.attempt ? 'head' : undefined
    if (!isBehind(turn, lanes)) return undefined
    this.#lacksWords(turn)
    return 'head'
  }

  /** Once, whether it came live or with a join. */
  #tellSteer(turn: ViewedTurn, steer: SteerView): void {
    if (turn.steered(steer)) this.#onChange({ kind: 'steered', turn, steer })
  }

  #setQueue(queue: readonly QueuedMessageView[]): void {
    if (JSON.stringify(queue) === JSON.stringify(this.queue)) return
    this.queue = queue
    this.#onChange({ kind: 'queue', queue })
  }

  #tellStatus(
    turn: ViewedTurn,
    status: TurnStatus,
    reason: string | undefined,
    waitingFor: string | undefined,
  ): void {
    this.#ends.delete(turn.turnId)
    turn.status = status
    turn.reason = reason
    this.#onChange({ kind: 'status', turn, waitingFor })
  }

  /** [CC11] An end is told once everything said before it is here. */
  #tellEnd(turn: ViewedTurn): void {
    const end = this.#ends.get(turn.turnId)
    if (!end || isBehind(turn, end.heads)) return
    this.#tellStatus(turn, end.status, end.reason, undefined)
  }

  #lacksWords(turn: ViewedTurn): Missed {
    this.#behind.add(turn.turnId)
    return 'gap'
  }

  /** An older turn that has not ended here has ended elsewhere: its end was missed. */
  #isWhole(turn: ViewedTurn): boolean {
    return isEnd(turn.status) && !this.#behind.has(turn.turnId)
  }

  /** The relay will not bring what is missing of turns so far back: better none of their words than some. */
  #dropBroken(answered: JoinAnswer['turns']): void {
    for (const turn of this.#turns.values()) {
      const follows = answered.some(({ turnId }) => turnId === turn.turnId)
      if (!follows && !this.#isWhole(turn)) this.#turns.delete(turn.turnId)
    }
  }

  /** A change that is not content: a number left out is a change that was missed. */
  counted(version: number): Missed | undefined {
    const isMissed = this.#version !== undefined && version > this.#version + 1
    this.#version = Math.max(this.#version ?? 0, version)
    return isMissed ? 'version' : undefined
  }

  /** Final heads: what lies beyond was never kept. True where words are missing. */
  #cutTo(turn: ViewedTurn, heads: readonly LaneHead[]): boolean {
    for (const lane of turn.lanes()) {
      const offset = heads.find((head) => head.lane === lane)?.offset ?? 0
      if (turn.cut(lane, offset)) this.#onChange({ kind: 'cut', turn, lane })
    }
    return isBehind(turn, heads)
  }

  #turnOf(turn: ConstructorParameters<typeof ViewedTurn>[0]): ViewedTurn {
    let viewed = this.#turns.get(turn.turnId)
    if (!viewed) {
      viewed = new ViewedTurn(turn)
      this.#turns.set(turn.turnId, viewed)
    }
    return viewed
  }
}

function isBehind(turn: ViewedTurn, heads: readonly LaneHead[]): boolean {
  return heads.some(({ lane, offset }) => turn.length(lane) < offset)
}
