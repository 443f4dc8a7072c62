import type { CodeDown } from '../protocol/code-down.ts'
import type { ChatQueue, ChatSend, JoinAnswer, OpenPermission } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../protocol/handshake.ts'
import type { SessionView, TurnStatus } from '../protocol/turn-view.ts'
import { ANSWER_MS, CodeRequests } from './code-requests.ts'
import type { Answer } from './code-requests.ts'
import { CodeTerminals } from './code-terminals.ts'
import { Connection } from './connection.ts'
import type { FinalRefusal } from './connection.ts'
import { ENTRY_EVENTS, heardEntry } from './heard-entry.ts'
import { ViewedSession } from './viewed-session.ts'
import type { Missed, SessionChange } from './viewed-session.ts'
import type { AttachOptions, Terminal, TerminalPlace } from './terminal.ts'

/** Between two joins because of gaps: one that does not help must not be repeated in a circle. */
const REJOIN_MS = 1000

type News = { readonly chatSessionId: string; readonly version: number }

export interface CodeWelcome {
  readonly user: string
  readonly sessions: readonly SessionView[]
  readonly nodeId: string
}

export interface CodeClientOptions {
  /** `http://host:port` of the relay. */
  readonly url: string
  /** A code or watch key. */
  readonly token: string
  readonly client?: { readonly name: string; readonly version?: string }
  readonly onConnected?: (welcome: CodeWelcome) => void
  readonly onDisconnected?: () => void
  /** Another client of the user asks to show a session. */
  readonly onOpened?: (chatSessionId: string) => void
  /** How any session of the user stands, watched or not. */
  readonly onStatus?: (news: SessionStatusNews) => void
  /** What can be done by `execute`: when connected, and whenever that changes. */
  readonly onCommands?: (commands: Parameters<CodeDown['commands:manifest']>[0]['commands']) => void
  /** A command of any client of the user was done, in a session that is watched. */
  readonly onCommandResult?: (result: Parameters<CodeDown['command:result']>[0]) => void
  /** What can be drawn: when connected, and whenever that changes. */
  readonly onCatalog?: (surfaces: JoinAnswer['surfaces']) => void
  /** What a surface shows; null where it is shown no more. Subscriptions end with the connection. */
  readonly onSurface?: (surface: Parameters<CodeDown['surface:update']>[0]) => void
  /** A terminal of a session that is watched: when it is opened, and for each that is open whenever the session is joined. */
  readonly onTerminal?: (terminal: JoinAnswer['terminals'][number]) => void
  readonly onFinal?: (refusal: FinalRefusal) => void
}

export type SessionStatusNews = Parameters<CodeDown['session:statusChanged']>[0]

interface QueuedFields {
  readonly chatSessionId: string
  readonly startedTurn: boolean
  /** The turn that the message has become, or is for. */
  readonly turnId?: string
  readonly status?: TurnStatus
  /** Its place in the queue, 1 for the next. */
  readonly position?: number
  readonly repeated?: boolean
}
export type Queued = QueuedFields & { readonly view: ViewedSession }

interface Watched {
  readonly view: ViewedSession
  /** The join under way: there is one at a time. */
  joining: Promise<boolean> | undefined
  /** Joined on this connection. */
  joined: boolean
  lastRejoinAt: number
  rejoinTimer: ReturnType<typeof setTimeout> | undefined
}

/** An IDE client's side of the relay: it watches sessions, and joins again by itself whenever it has missed something. */
export class CodeClient extends CodeRequests {
  readonly #options: CodeClientOptions
  protected override readonly connection: Connection<CodeWelcome>
  readonly #watched = new Map<string, Watched>()
  readonly #terminals: CodeTerminals

  constructor(options: CodeClientOptions) {
    super(options)
    this.#options = options
    this.connection = new Connection({
      url: options.url,
      namespace: '/code',
      auth: () => ({ token: options.token, protocol: PROTOCOL_VERSION, client: options.client }),
      isUrgent: () => this.#watched.size > 0 || this.#terminals.size > 0,
      onWelcome: (welcome) => this.#welcomed(welcome),
      onDown: () => this.#down(),
      onFinal: (refusal) => {
        this.#terminals.end(refusal)
        options.onFinal?.(refusal)
      },
    })
    const { connection } = this
    this.#terminals = new CodeTerminals({
      isUp: () => connection.up,
      attach: (payload, onAnswer) => this.ask('terminal:attach', payload, onAnswer),
      askOnce: (event, ...args) => this.askOnce(event, ...args),
      emit: (event, payload) => connection.socket.emit(event, payload),
    })
    this.#listen()
  }

  /** Connects; resolves with the first welcome, rejects where the relay will not have this client. */
  start(): Promise<void> {
    this.connection.open()
    return this.connection.whenUp()
  }

  close(): void {
    for (const watched of this.#watched.values()) clearTimeout(watched.rejoinTimer)
    this.#watched.clear()
    this.#terminals.end()
    this.connection.close()
  }

  /** Watches a session: what is known of it is in the answer, and `onChange` hears whatever comes. */
  async watch(chatSessionId: string, onChange: (change: SessionChange) => void): Promise<ViewedSession> {
    const watched = this.#add(chatSessionId, onChange)
    try {
      while (!watched.joined) {
        await this.connection.whenUp()
        if (!(await this.#join(watched)) && this.connection.up) await whenOver(REJOIN_MS)
      }
      return watched.view
    } catch (error) {
      this.#watched.delete(chatSessionId)
      throw error
    }
  }

  async leave(chatSessionId: string): Promise<void> {
    const watched = this.#watched.get(chatSessionId)
    clearTimeout(watched?.rejoinTimer)
    this.#watched.delete(chatSessionId)
    if (this.connection.up) await this.ask('session:leave', { chatSessionId })
  }

  /**
   * Sends a message, once however often the connection breaks: `messageId` sees to that. The session is watched from
   * then on; `onChange` hears the turn from its first word.
   */
  async send(
    message: ChatSend,
    onChange: (change: SessionChange) => void,
  ): Promise<{ view: ViewedSession; turnId: string; status: TurnStatus }> {
    // The turn may begin before its answer is read, so the session is watched as soon as its name is known.
    type SentFields = { chatSessionId: string; turnId: string; status: TurnStatus; repeated?: boolean }
    const sent = await this.ask<SentFields>('chat:send', message, ({ chatSessionId, turnId, repeated }) => {
      const watched = this.#watched.get(chatSessionId) ?? this.#add(chatSessionId, onChange)
      watched.view.expect(turnId, message.content)
      watched.joined = repeated !== true
      if (repeated) this.#rejoin(watched)
    })
    const watched = this.#watched.get(sent.chatSessionId)
    if (!watched) throw new Error('the client was closed')
    return { view: watched.view, turnId: sent.turnId, status: sent.status }
  }

  /**
   * As `send`, where something may be going on already: the message starts a turn if nothing is, else it steers the live
   * one (`steer`) or waits for its end. The session is watched from then on.
   */
  async queue(message: ChatQueue, onChange: (change: SessionChange) => void): Promise<Queued> {
    const queued = await this.ask<QueuedFields>('chat:queue', message, (fields) => {
      const { chatSessionId, turnId, startedTurn, repeated } = fields
      const isNew = !this.#watched.has(chatSessionId)
      const watched = this.#watched.get(chatSessionId) ?? this.#add(chatSessionId, onChange)
      if (startedTurn && turnId !== undefined && repeated !== true) {
        watched.view.expect(turnId, message.content)
        watched.joined = true
      } else if (isNew || repeated) this.#rejoin(watched)
    })
    const watched = this.#watched.get(queued.chatSessionId)
    if (!watched) throw new Error('the client was closed')
    return { ...queued, view: watched.view }
  }

  /** Watches a terminal of one of the user's drones: see `openTerminal`, and `terminals` of a session that is joined. */
  attachTerminal(place: TerminalPlace, options: AttachOptions = {}): Promise<Terminal> {
    return this.#terminals.attach(place, options)
  }

  #add(chatSessionId: string, onChange: (change: SessionChange) => void): Watched {
    const view = new ViewedSession(chatSessionId, onChange)
    const watched: Watched = {
      view,
      joining: undefined,
      joined: false,
      lastRejoinAt: Number.NEGATIVE_INFINITY,
      rejoinTimer: undefined,
    }
    this.#watched.set(chatSessionId, watched)
    return watched
  }

  #listen(): void {
    const { socket } = this.connection
    for (const name of ENTRY_EVENTS) {
      socket.on(name, (...args: unknown[]) => {
        const heard = heardEntry(name, args)
        this.#on(heard.at.chatSessionId, (view) => view.heard(heard))
      })
    }
    socket.on('turn:started', (news: News & Parameters<ViewedSession['started']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.started(news)),
    )
    socket.on('turn:status', (news: News & Parameters<ViewedSession['statusChanged']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.statusChanged(news)),
    )
    socket.on('head', (news: News & Parameters<ViewedSession['head']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.head(news)),
    )
    socket.on('resumed', ({ chatSessionId, heads }: { chatSessionId: string; heads: never[] }) =>
      this.#on(chatSessionId, (view) => view.resumed(heads)),
    )
    socket.on('permission:request', (news: News & OpenPermission) =>
      this.#on(news.chatSessionId, (view) => view.asked(news)),
    )
    socket.on('permission:resolved', (news: News & Parameters<ViewedSession['answered']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.answered(news)),
    )
    socket.on('turn:steered', (news: News & Parameters<ViewedSession['steered']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.steered(news)),
    )
    socket.on('queue:changed', (news: News & Parameters<ViewedSession['queueChanged']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.queueChanged(news)),
    )
    socket.on('session:info', (news: News & Parameters<ViewedSession['infoChanged']>[0]) =>
      this.#on(news.chatSessionId, (view) => view.infoChanged(news)),
    )
    this.#terminals.listen(socket)
    socket.on('terminal:opened', (terminal: JoinAnswer['terminals'][number]) =>
      this.#options.onTerminal?.(terminal),
    )
    const { onCommands, onCommandResult, onCatalog, onSurface } = this.#options
    socket.on('commands:manifest', ({ commands }: Parameters<CodeDown['commands:manifest']>[0]) =>
      onCommands?.(commands),
    )
    socket.on('command:result', (result: Parameters<CodeDown['command:result']>[0]) =>
      onCommandResult?.(result),
    )
    socket.on('catalog', ({ surfaces }: Parameters<CodeDown['catalog']>[0]) => onCatalog?.(surfaces))
    socket.on('surface:update', (surface: Parameters<CodeDown['surface:update']>[0]) => onSurface?.(surface))
    socket.on('session:opened', ({ chatSessionId }: { chatSessionId: string }) =>
      this.#options.onOpened?.(chatSessionId),
    )
    socket.on('session:statusChanged', (news: SessionStatusNews) => this.#options.onStatus?.(news))
  }

  #on(chatSessionId: string, apply: (view: ViewedSession) => Missed | undefined): void {
    const watched = this.#watched.get(chatSessionId)
    if (!watched?.joined || watched.joining) return
    if (apply(watched.view) !== undefined) this.#rejoin(watched)
  }

  #rejoin(watched: Watched): void {
    if (watched.rejoinTimer !== undefined) return
    const waitMs = Math.max(0, watched.lastRejoinAt + REJOIN_MS - performance.now())
    watched.rejoinTimer = setTimeout(() => {
      watched.rejoinTimer = undefined
      watched.lastRejoinAt = performance.now()
      this.#join(watched).catch(() => this.#watched.delete(watched.view.chatSessionId))
    }, waitMs)
  }

  /** False where the connection broke first, or the relay could not answer: another join follows. */
  #join(watched: Watched): Promise<boolean> {
    watched.joining ??= this.#askToJoin(watched)
    return watched.joining
  }

  #askToJoin(watched: Watched): Promise<boolean> {
    const { view } = watched
    const payload = { chatSessionId: view.chatSessionId, cursors: view.cursors() }
    const asked = new Promise<boolean>((resolve, reject) => {
      this.connection.socket
        .timeout(ANSWER_MS)
        .emit('session:join', payload, (error: Error | null, answer: Answer<JoinAnswer>) => {
          // The connection broke meanwhile and another join was begun: this one has nothing to say any more.
          if (watched.joining !== asked) {
            resolve(false)
            return
          }
          watched.joining = undefined
          if (error || (!answer.ok && answer.error.retryable)) {
            if (this.connection.up) this.#rejoin(watched)
            resolve(false)
          } else if (answer.ok) {
            // Applied here, before any later event is read: a promise would wake after them.
            watched.joined = true
            if (view.joined(answer) !== undefined) this.#rejoin(watched)
            for (const terminal of answer.terminals) this.#options.onTerminal?.(terminal)
            resolve(true)
          } else reject(new RelayError(answer.error.code, answer.error.message))
        })
    })
    return asked
  }

  #welcomed(welcome: CodeWelcome): void {
    for (const watched of this.#watched.values()) void this.#join(watched).catch(() => undefined)
    this.#terminals.welcomed()
    this.#options.onConnected?.(welcome)
  }

  #down(): void {
    for (const watched of this.#watched.values()) {
      watched.joined = false
      watched.joining = undefined
      clearTimeout(watched.rejoinTimer)
      watched.rejoinTimer = undefined
    }
    this.#options.onDisconnected?.()
  }
}

function whenOver(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
