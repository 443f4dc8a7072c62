import { ENTRY_EVENTS, heardEntry } from '../../src/client/heard-entry.ts'
import type { EntryEvent } from '../../src/client/heard-entry.ts'
import { ViewedSession } from '../../src/client/viewed-session.ts'
import type { Missed, SessionChange } from '../../src/client/viewed-session.ts'
import type { JoinAnswer } from '../../src/protocol/code-up.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import type { Clock } from '../../src/turns/clock.ts'
import type { Link } from './link.ts'
import { CHAT, PEER_WAITS } from './model-config.ts'
import type { Frame } from './model-socket.ts'

type Answer<Fields> = ({ ok: true } & Fields) | { ok: false; error: { code: string; retryable: boolean } }

/** A message that has to be sent until it is answered. */
interface Message {
  readonly messageId: string
  readonly content: string
}

/** One that waits where a turn is live, or goes into that. */
interface Patient extends Message {
  readonly steer: boolean
}

export interface ViewerHearing {
  onChange(viewer: ModelViewer, change: SessionChange): void
  /** The relay has answered that this message made this turn. */
  onSent(messageId: string, turnId: string): void
  /** The relay has answered that it has this message: it waits, has become a turn, or went into one. */
  onQueued(messageId: string): void
}

/** An IDE client of one session: what `CodeClient` does, on a link and a clock of the model's. */
export class ModelViewer {
  readonly name: string
  readonly view: ViewedSession
  readonly #clock: Clock
  readonly #hearing: ViewerHearing
  #link: Link | undefined
  #isUp = false
  #joined = false
  #joining: object | undefined
  #lastRejoinAt = Number.NEGATIVE_INFINITY
  #cancelRejoin: (() => void) | undefined
  #unsent: Message[] = []
  #unqueued: Patient[] = []

  constructor(name: string, clock: Clock, hearing: ViewerHearing) {
    this.name = name
    this.#clock = clock
    this.#hearing = hearing
    this.view = new ViewedSession(CHAT, (change) => hearing.onChange(this, change))
  }

  get isLevel(): boolean {
    return this.#joined && !this.#joining && !this.#cancelRejoin && !this.isSending
  }

  use(link: Link): void {
    this.#link = link
  }

  send(message: Message): void {
    this.#unsent.push(message)
    this.#ask(message)
  }

  get isSending(): boolean {
    return this.#unsent.length + this.#unqueued.length > 0
  }

  queue(message: Patient): void {
    this.#unqueued.push(message)
    this.#askToQueue(message)
  }

  abort(): void {
    if (this.#isUp) this.#link?.emit('abort', { chatSessionId: CHAT }, () => undefined)
  }

  /** Looks away for a while, and comes back with what it has. */
  leave(): void {
    if (!this.#isUp) return
    this.#link?.emit('session:leave', { chatSessionId: CHAT }, () => undefined)
    this.#joined = false
    this.#joining = undefined
    this.#rejoin()
  }

  onDown(): void {
    this.#link = undefined
    this.#isUp = false
    this.#joined = false
    this.#joining = undefined
    this.#cancelRejoin?.()
    this.#cancelRejoin = undefined
  }

  onFrame({ name, args }: Frame): void {
    if (name === 'welcome') {
      this.#isUp = true
      this.#join()
      for (const message of this.#unsent) this.#ask(message)
      for (const message of this.#unqueued) this.#askToQueue(message)
    } else if (this.#joined && !this.#joining) {
      const missed = this.#apply(name, args)
      if (missed !== undefined) this.#rejoin()
    }
  }

  #apply(name: string, args: readonly unknown[]): Missed | undefined {
    const { view } = this
    if (ENTRY_EVENTS.includes(name as EntryEvent)) return view.heard(heardEntry(name as EntryEvent, args))
    const [news] = args
    switch (name) {
      case 'turn:started':
        return view.started(news as Parameters<ViewedSession['started']>[0])
      case 'turn:status':
        return view.statusChanged(news as Parameters<ViewedSession['statusChanged']>[0])
      case 'head':
        return view.head(news as Parameters<ViewedSession['head']>[0])
      case 'resumed':
        return view.resumed((news as { heads: Parameters<ViewedSession['resumed']>[0] }).heads)
      case 'turn:steered':
        return view.steered(news as Parameters<ViewedSession['steered']>[0])
      case 'queue:changed':
        return view.queueChanged(news as Parameters<ViewedSession['queueChanged']>[0])
      case 'session:info':
        return view.infoChanged(news as Parameters<ViewedSession['infoChanged']>[0])
      default:
        return undefined
    }
  }

  #rejoin(): void {
    if (this.#cancelRejoin) return
    const waitMs = Math.max(0, this.#lastRejoinAt + PEER_WAITS.rejoinMs - this.#clock.ticks())
    this.#cancelRejoin = this.#clock.after(waitMs, () => {
      this.#cancelRejoin = undefined
      this.#lastRejoinAt = this.#clock.ticks()
      this.#join()
    })
  }

  #join(): void {
    if (this.#joining) return
    const asked = {}
    this.#joining = asked
    const answered = (answer?: Answer<JoinAnswer>): void => {
      if (this.#joining !== asked) return
      this.#joining = undefined
      if (answer?.ok) {
        this.#joined = true
        this.view.joined(answer)
        // A turn that was sent after the join was asked for, and has made way to a newer one meanwhile.
        const isLacking = this.view.turns.some(
          ({ turnId, status }) => !isEnd(status) && !answer.turns.some((told) => told.turnId === turnId),
        )
        if (isLacking) this.#rejoin()
      } else if (this.#isUp) this.#rejoin()
    }
    const cursors = this.view.cursors()
    this.#link?.emit('session:join', { chatSessionId: CHAT, cursors }, answered)
    this.#clock.after(PEER_WAITS.answerMs, () => answered())
  }

  #ask(message: Message): void {
    if (!this.#isUp) return
    type Sent = Answer<{ turnId: string; repeated?: boolean }>
    this.#link?.emit('chat:send', { chatSessionId: CHAT, ...message }, (answer: Sent) => {
      this.#unsent = this.#unsent.filter((other) => other !== message)
      // Refused: another turn is going on. Its sender would say so and let the user send again.
      if (!answer.ok && answer.error.code !== 'store_unavailable') return
      if (!answer.ok) return this.send(message)
      this.#hearing.onSent(message.messageId, answer.turnId)
      this.view.expect(answer.turnId, message.content)
      this.#joined = answer.repeated !== true
      if (answer.repeated) this.#rejoin()
    })
  }

  #askToQueue(message: Patient): void {
    if (!this.#isUp) return
    type Queued = Answer<{ startedTurn: boolean; turnId?: string; repeated?: boolean }>
    this.#link?.emit('chat:queue', { chatSessionId: CHAT, ...message }, (answer: Queued) => {
      this.#unqueued = this.#unqueued.filter((other) => other !== message)
      if (!answer.ok && answer.error.code === 'store_unavailable') return this.queue(message)
      if (!answer.ok) return
      this.#hearing.onQueued(message.messageId)
      if (!answer.startedTurn || answer.turnId === undefined || answer.repeated) return
      this.#hearing.onSent(message.messageId, answer.turnId)
      this.view.expect(answer.turnId, message.content)
      this.#joined = true
    })
  }
}
