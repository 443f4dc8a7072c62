import type { CodeDown } from '../protocol/code-down.ts'
import type { ChatQueue, ChatSend, JoinAnswer, OpenPermission } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ErrorCode, WireError } from '../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../protocol/handshake.ts'
import type { Json } from '../protocol/values.ts'
import type { AttachmentView, SessionView, TurnStatus } from '../protocol/turn-view.ts'
import { Connection } from './connection.ts'
import type { FinalRefusal } from './connection.ts'
import { ENTRY_EVENTS, heardEntry } from './heard-entry.ts'
import { ViewedSession } from './viewed-session.ts'
import type { Missed, SessionChange } from './viewed-session.ts'

/** How long an answer may take before a question is asked again. */
const ANSWER_MS = 15_000
/** Between two joins because of gaps: one that does not help must not be repeated in a circle. */
const REJOIN_MS = 1000

type Answer<Fields> = ({ ok: true } & Fields) | { ok: false; error: WireError }
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
  readonly onFinal?: (refusal: FinalRefusal) => void
}

export type SessionStatusNews = Parameters<CodeDown['session:statusChanged']>[0]

/** What a command is about, and what it is given. */
export interface CommandPlace {
  readonly chatSessionId?: string
  readonly args?: Json
  readonly requestId?: string
}

/** Which surface: a drone's, or one of the relay's own. */
export interface SurfacePlace {
  readonly droneId?: string
  readonly surfaceId: string
  readonly chatSessionId?: string
}

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
export class CodeClient {
  readonly #options: CodeClientOptions
  readonly #connection: Connection<CodeWelcome>
  readonly #watched = new Map<string, Watched>()

  constructor(options: CodeClientOptions) {
    this.#options = options
    this.#connection = new Connection({
      url: options.url,
      namespace: '/code',
      auth: () => ({ token: options.token, protocol: PROTOCOL_VERSION, client: options.client }),
      isUrgent: () => this.#watched.size > 0,
      onWelcome: (welcome) => this.#welcomed(welcome),
      onDown: () => this.#down(),
      onFinal: (refusal) => options.onFinal?.(refusal),
    })
    this.#listen()
  }

  /** Connects; resolves with the first welcome, rejects where the relay will not have this client. */
  start(): Promise<void> {
    this.#connection.open()
    return this.#connection.whenUp()
  }

  close(): void {
    for (const watched of this.#watched.values()) clearTimeout(watched.rejoinTimer)
    this.#watched.clear()
    this.#connection.close()
  }

  /** Watches a session: what is known of it is in the answer, and `onChange` hears whatever comes. */
  async watch(chatSessionId: string, onChange: (change: SessionChange) => void): Promise<ViewedSession> {
    const watched = this.#add(chatSessionId, onChange)
    try {
      while (!watched.joined) {
        await this.#connection.whenUp()
        if (!(await this.#join(watched)) && this.#connection.up) await whenOver(REJOIN_MS)
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
    if (this.#connection.up) await this.#ask('session:leave', { chatSessionId })
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
    const sent = await this.#ask<SentFields>('chat:send', message, ({ chatSessionId, turnId, repeated }) => {
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
    const queued = await this.#ask<QueuedFields>('chat:queue', message, (fields) => {
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

  /** Uploads a file for messages to come: they name it by the id in the answer. */
  async attach(name: string, mediaType: string, bytes: Uint8Array): Promise<AttachmentView> {
    const { url, token } = this.#options
    const response = await fetch(`${url}/api/v1/attachments?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': mediaType },
      body: Uint8Array.from(bytes),
    })
    const answer: unknown = await response.json()
    if (response.ok) return answer as AttachmentView
    const { code, detail } = answer as { code: ErrorCode; detail: string }
    throw new RelayError(code, detail)
  }

  /** Other words for a message that waits. One that has started answers its turn, and stays as it is. */
  editQueued(chatSessionId: string, messageId: string, content: string): Promise<{ turnId?: string }> {
    return this.#ask('queue:edit', { chatSessionId, messageId, content })
  }

  /** Takes a message back that waits. One that has started answers its turn. */
  cancelQueued(chatSessionId: string, messageId: string): Promise<{ turnId?: string }> {
    return this.#ask('queue:cancel', { chatSessionId, messageId })
  }

  /** Asks the user's other clients to show a session. */
  async open(chatSessionId: string): Promise<void> {
    await this.#ask('session:open', { chatSessionId })
  }

  /** The model of a session from its next turn on; null leaves it to the drone. */
  async setModel(chatSessionId: string, model: string | null): Promise<void> {
    await this.#ask('set:model', { chatSessionId, model })
  }

  /** How much the agent thinks from the session's next turn on; null leaves it to the drone. */
  async setThinking(chatSessionId: string, level: string | null): Promise<void> {
    await this.#ask('set:thinking', { chatSessionId, level })
  }

  /**
   * Has a command done: one of the relay's own or of the session's drone, as `onCommands` names them. `requestId` makes
   * asking again harmless. Resolves with its result, which all viewers of the session hear as well.
   */
  async execute(command: string, { chatSessionId, args, requestId }: CommandPlace = {}): Promise<Json> {
    const id = requestId ?? globalThis.crypto.randomUUID()
    const payload = { requestId: id, command, chatSessionId, args }
    return (await this.#ask<{ result?: Json }>('command:execute', payload)).result ?? null
  }

  /** Draws a surface: resolves with what it shows now, and `onSurface` hears every change from then on. */
  async subscribe(surface: SurfacePlace): Promise<Json> {
    return (await this.#ask<{ spec?: Json }>('surface:subscribe', surface)).spec ?? null
  }

  async unsubscribe(surface: SurfacePlace): Promise<void> {
    await this.#ask('surface:unsubscribe', surface)
  }

  /** Presses something of a surface. */
  async invoke(surface: SurfacePlace & { droneId: string }, actionId: string, payload?: Json): Promise<void> {
    const requestId = globalThis.crypto.randomUUID()
    await this.#ask('surface:invoke', { ...surface, actionId, payload, requestId })
  }

  /** Another attempt of a turn: the yes it waits for, or one more try of the session's last turn. */
  retry(turnId: string): Promise<{ attempt: number }> {
    return this.#ask('retry', { turnId })
  }

  abort(chatSessionId: string, turnId?: string): Promise<{ turnId?: string; status?: TurnStatus }> {
    return this.#ask('abort', { chatSessionId, turnId })
  }

  /** Answers what an agent asks. The first answer counts: this is what it was, with null where nobody chose in time. */
  choose(
    droneId: string,
    requestId: string,
    optionId: string,
  ): Promise<{ optionId: string | null; by?: string }> {
    return this.#ask('permission:respond', { droneId, requestId, optionId })
  }

  list(page: { after?: string; limit?: number } = {}): Promise<{ sessions: SessionView[]; next?: string }> {
    return this.#ask('session:list', page)
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
    const { socket } = this.#connection
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
      this.#connection.socket
        .timeout(ANSWER_MS)
        .emit('session:join', payload, (error: Error | null, answer: Answer<JoinAnswer>) => {
          // The connection broke meanwhile and another join was begun: this one has nothing to say any more.
          if (watched.joining !== asked) {
            resolve(false)
            return
          }
          watched.joining = undefined
          if (error || (!answer.ok && answer.error.retryable)) {
            if (this.#connection.up) this.#rejoin(watched)
            resolve(false)
          } else if (answer.ok) {
            // Applied here, before any later event is read: a promise would wake after them.
            watched.joined = true
            if (view.joined(answer) !== undefined) this.#rejoin(watched)
            resolve(true)
          } else reject(new RelayError(answer.error.code, answer.error.message))
        })
    })
    return asked
  }

  /** Asks until there is an answer; what must happen once has an id of its own. */
  async #ask<Fields>(event: string, payload: object, onAnswer?: (fields: Fields) => void): Promise<Fields> {
    for (;;) {
      await this.#connection.whenUp()
      const answer = await new Promise<Answer<Fields> | undefined>((resolve) => {
        this.#connection.socket
          .timeout(ANSWER_MS)
          .emit(event, payload, (error: Error | null, given: Answer<Fields>) => {
            if (!error && given.ok) onAnswer?.(given)
            resolve(error ? undefined : given)
          })
      })
      if (answer?.ok) return answer
      // It stops, and another one will come.
      if (answer?.error.code === 'draining') await whenOver(answer.error.retryAfterMs ?? REJOIN_MS)
      else if (answer)
        throw new RelayError(answer.error.code, answer.error.message, { details: answer.error.details })
    }
  }

  #welcomed(welcome: CodeWelcome): void {
    for (const watched of this.#watched.values()) void this.#join(watched).catch(() => undefined)
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
