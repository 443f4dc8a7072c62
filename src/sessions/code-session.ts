import type { CodeDown } from '../protocol/code-down.ts'
import { codeUp } from '../protocol/code-up.ts'
import type { ChatSend } from '../protocol/code-up.ts'
import type { Limits } from '../protocol/drone-down.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ArgsOf } from '../protocol/event.ts'
import type { SessionView, TurnStatus } from '../protocol/turn-view.ts'
import { search } from '../search/searching.ts'
import { abortTurn } from '../turns/aborting.ts'
import { viewOfSession } from '../turns/chat-sessions.ts'
import { chooseModel, chooseThinking } from '../turns/choosing.ts'
import type { Clock } from '../turns/clock.ts'
import type { Placed } from '../turns/entry.ts'
import type { Feed, News } from '../turns/feed.ts'
import type { LifePolicy } from '../turns/lifecycle.ts'
import { cancelQueued, editQueued, queueMessage } from '../turns/message-queue.ts'
import type { Queued, Queueing } from '../turns/message-queue.ts'
import type { Permissions } from '../turns/permissions.ts'
import { retryTurn } from '../turns/retrying.ts'
import { send, sessionIdFor } from '../turns/sending.ts'
import type { Sent } from '../turns/sending.ts'
import type { ChatSessionRecord } from '../turns/turn-store.ts'
import { answerPermission } from './asking.ts'
import type { Commands } from './commands.ts'
import { CodeTerminals } from './code-terminals.ts'
import { chatRoom, originalEnd, originalRoom, userRoom } from './code-rooms.ts'
import type { Directory } from './directory.ts'
import type { Follower } from './follower.ts'
import type { Followers } from './followers.ts'
import { JoinPace } from './join-pace.ts'
import { planJoin } from './join.ts'
import { sessionStatus } from './session-status.ts'
import type { Once } from './once.ts'
import type { Surfaces } from './surfaces.ts'
import type { Terminals } from './terminals.ts'
import { Answered, SocketSession } from './socket-session.ts'
import type { Handlers, Rules, SocketSessionOptions } from './socket-session.ts'
import type { Viewer, Watcher } from './watcher.ts'
import { originalEntry, wireEntry } from '../turns/wire-entry.ts'

const LIST_DEFAULT = 50

export interface CodeWorld extends Queueing {
  readonly policy: LifePolicy
  /** Throws while the relay stops: nothing new is begun then. */
  checkOpen(): void
  readonly followers: Followers
  readonly permissions: Pick<Permissions, 'choose' | 'openOf'>
  readonly directory: Directory
  readonly clock: Clock
  readonly limits: Limits
  readonly feed: Feed
  readonly surfaces: Surfaces
  readonly terminals: Terminals
  /** The terminals that are being opened, by who asks for what. */
  readonly opening: Once<{ droneId: string; terminalId: string }>
  commands(): Commands
  /** Tells the user's other clients to show a session. */
  opened(userId: string, chatSessionId: string, except: string): void
  /** Between two joins of one session on one connection. */
  readonly joinEveryMs: number
}

export interface CodeSessionOptions extends SocketSessionOptions {
  readonly world: CodeWorld
  readonly original: boolean
}

const EVERYBODY = { allow: ['code', 'watch'] } as const
const CODE = { allow: ['code'] } as const

/** Who may ask for what: a watcher's key sees everything of its user and changes nothing. */
const RULES: Rules<typeof codeUp> = {
  'session:join': EVERYBODY,
  'session:leave': EVERYBODY,
  'session:open': CODE,
  'session:list': EVERYBODY,
  search: EVERYBODY,
  'chat:send': CODE,
  'chat:queue': CODE,
  'queue:edit': CODE,
  'queue:cancel': CODE,
  abort: CODE,
  retry: CODE,
  'set:thinking': CODE,
  'set:model': CODE,
  'command:execute': CODE,
  'permission:respond': CODE,
  'surface:subscribe': EVERYBODY,
  'surface:unsubscribe': EVERYBODY,
  'surface:invoke': CODE,
  'terminal:open': CODE,
  'terminal:input': CODE,
  'terminal:resize': CODE,
  'terminal:close': CODE,
  'terminal:attach': EVERYBODY,
  'terminal:taken': EVERYBODY,
  'terminal:detach': EVERYBODY,
  'auth:refresh': EVERYBODY,
}

/** The sessions of a user, newest change first, with how each stands. */
export async function listSessions(
  { store, turns }: Pick<CodeWorld, 'store' | 'turns'>,
  userId: string,
  page: { after?: string; limit: number },
): Promise<{ sessions: SessionView[]; next?: string }> {
  const { items, next } = await store.sessionsOfUser(userId, page)
  const statusOf = (session: ChatSessionRecord): SessionView['status'] => {
    const live = session.liveTurnId === undefined ? undefined : turns.get(session.liveTurnId)
    return live ? sessionStatus(session, [{ turnId: live.turnId, status: live.told.status }]) : 'idle'
  }
  const sessions = items.map((session) => viewOfSession(session, statusOf(session)))
  return { sessions, ...(next === undefined ? {} : { next }) }
}

/** One IDE client's connection: what it asks for, and the sessions it watches. */
export class CodeSession extends SocketSession<CodeDown> implements Viewer {
  readonly #world: CodeWorld
  readonly #original: boolean
  readonly #watched = new Set<string>()
  readonly #joins: JoinPace
  readonly #terminals: CodeTerminals

  constructor(options: CodeSessionOptions) {
    super(options)
    this.#world = options.world
    this.#original = options.original
    this.#joins = new JoinPace(options.ticks, options.world.joinEveryMs)
    const { outlet, identity } = this
    this.#terminals = new CodeTerminals({
      ...options.world,
      outlet,
      userId: identity.userId,
      mayType: identity.kind === 'code',
    })
    this.listen(codeUp, RULES, this.#handlers())
  }

  get id(): string {
    return this.outlet.id
  }

  /** The first event of the connection. */
  welcome(sessions: SessionView[]): void {
    const { directory, nodeId, limits } = this.#world
    const { userId } = this.identity
    this.outlet.join(userRoom(userId))
    this.outlet.emit('welcome', { user: userId, drones: directory.viewsOf(userId), sessions, nodeId, limits })
    // A client of the original knows neither.
    if (this.#original) return
    this.outlet.emit('commands:manifest', { commands: this.#world.commands().forWelcome(userId) })
    this.outlet.emit('catalog', { surfaces: this.#world.surfaces.catalogOf(userId) })
  }

  roomOf(chatSessionId: string): string {
    return this.#original ? originalRoom(chatSessionId) : chatRoom(chatSessionId)
  }

  entry(
    chatSessionId: string,
    { turnId, attempt }: { turnId: string; attempt: number },
    lane: string,
    placed: Placed,
  ): void {
    const place = { chatSessionId, turnId, attempt, lane }
    const { name, args } = this.#original ? originalEntry(place, placed) : wireEntry(place, placed)
    this.outlet.emit(name as 'thinking', ...(args as Parameters<CodeDown['thinking']>))
  }

  news(news: News): void {
    this.outlet.emit(news.name as 'turn:status', news.payload as Parameters<CodeDown['turn:status']>[0])
    const end = this.#original ? originalEnd(news) : undefined
    if (end) this.outlet.emit('workOrderComplete', ...end)
  }

  resumed(chatSessionId: string, heads: Parameters<CodeDown['resumed']>[0]['heads']): void {
    this.outlet.emit('resumed', { chatSessionId, heads })
  }

  protected override onDisconnect(reason: string): void {
    this.logger.debug('An IDE client disconnected.', { user: this.identity.userId, reason })
    for (const chatSessionId of this.#watched) this.#world.followers.find(chatSessionId)?.leave(this.id)
    this.#watched.clear()
    this.#terminals.close()
  }

  #handlers(): Handlers<typeof codeUp> {
    return {
      'session:join': ({ chatSessionId, cursors }) => this.#join(chatSessionId, cursors ?? []),
      'session:leave': ({ chatSessionId }) => {
        this.#leave(chatSessionId)
        return {}
      },
      'session:list': ({ after, limit }) =>
        listSessions(this.#world, this.identity.userId, {
          limit: limit ?? LIST_DEFAULT,
          ...(after === undefined ? {} : { after }),
        }),
      search: (page) => search(this.#world.store, this.identity.userId, page),
      'session:open': async ({ chatSessionId }) => {
        await this.#world.sessions.of(this.identity.userId, chatSessionId)
        this.#world.opened(this.identity.userId, chatSessionId, this.id)
        return {}
      },
      'chat:send': (message) =>
        this.#starting(message, () => send(this.#world, this.identity.userId, message)),
      'chat:queue': (message) =>
        this.#starting(message, () => queueMessage(this.#world, this.identity.userId, message)),
      'queue:edit': (edit) => editQueued(this.#world, this.identity.userId, edit),
      'queue:cancel': (which) => cancelQueued(this.#world, this.identity.userId, which),
      abort: ({ chatSessionId, turnId }) => this.#abort(chatSessionId, turnId),
      retry: ({ turnId }) => {
        this.#world.checkOpen()
        return retryTurn(this.#world, this.identity.userId, turnId)
      },
      'set:model': async ({ chatSessionId, model }) => {
        await chooseModel(this.#world, this.identity.userId, chatSessionId, model)
        return {}
      },
      'set:thinking': async ({ chatSessionId, level }) => {
        await chooseThinking(this.#world, this.identity.userId, chatSessionId, level)
        return {}
      },
      'command:execute': (executed) => this.#world.commands().execute(this.identity.userId, executed),
      'surface:subscribe': async (named) => {
        const { room, spec } = await this.#world.surfaces.find(this.identity.userId, named)
        this.outlet.join(room)
        return { spec }
      },
      'surface:unsubscribe': async (named) => {
        const { room } = await this.#world.surfaces.find(this.identity.userId, named)
        this.outlet.leave(room)
        return {}
      },
      'surface:invoke': (invoked) => this.#world.surfaces.invoke(this.identity.userId, invoked),
      ...this.#terminals.handlers(),
      'permission:respond': (choice) => answerPermission(this.#world, this.identity.userId, choice),
    }
  }

  async #join(chatSessionId: string, stated: ArgsOf<(typeof codeUp)['session:join']>[0]['cursors'] & object) {
    const { sessions, store, permissions } = this.#world
    const isLatest = this.#joins.begin(chatSessionId)
    await sessions.of(this.identity.userId, chatSessionId)
    if (!isLatest()) throw overtaken(chatSessionId)
    const { follower, watcher } = this.#watch(chatSessionId)
    watcher.restart()
    try {
      await follower.primed
      // Read again now that nothing is missed any more: whatever happens after this is told after the answer.
      const session = await sessions.of(this.identity.userId, chatSessionId)
      const { answer, cursors } = await planJoin({
        store,
        session,
        follower,
        permissions,
        surfaces: this.#world.surfaces,
        terminals: this.#world.terminals,
        cursors: stated,
      })
      if (!isLatest()) throw overtaken(chatSessionId)
      return new Answered(answer, () => watcher.resume(cursors))
    } catch (error) {
      // One may come to its end late, when its client has long asked again: the watcher is the later one's then.
      if (isLatest()) this.#leave(chatSessionId)
      else watcher.release()
      throw error
    }
  }

  #watch(chatSessionId: string): { follower: Follower; watcher: Watcher } {
    // A handler that waited may find its peer gone; nobody would ever take this watcher away again.
    if (!this.outlet.open) throw new RelayError('timeout', 'The connection has ended.')
    this.#watched.add(chatSessionId)
    const follower = this.#world.followers.of(chatSessionId)
    return { follower, watcher: follower.watch(this) }
  }

  #leave(chatSessionId: string): void {
    this.#joins.forget(chatSessionId)
    this.#watched.delete(chatSessionId)
    this.#world.followers.find(chatSessionId)?.leave(this.id)
  }

  /** A message that may start a turn: whoever sends it hears that turn from its first word, after the answer. */
  async #starting<Outcome extends Sent | Queued>(
    message: ChatSend,
    task: () => Promise<Outcome>,
  ): Promise<Answered<Outcome>> {
    const { followers, sessions, store } = this.#world
    const { userId } = this.identity
    this.#world.checkOpen()
    const chatSessionId = message.chatSessionId ?? sessionIdFor(userId, message.messageId)
    // Nobody is let near somebody else's session, not even to be held back until the refusal.
    if (await store.readSession(chatSessionId)) await sessions.of(userId, chatSessionId)
    const wasWatching = followers.find(chatSessionId)?.watcherOf(this.id) !== undefined
    // A join may be under way too, begun before or meanwhile: what becomes of the message is no reason to leave then.
    const stays = (): boolean => wasWatching || this.#joins.has(chatSessionId)
    const { follower, watcher } = this.#watch(chatSessionId)
    watcher.hold()
    try {
      await follower.primed
      const sent = await task()
      // A repeated message is joined by its sender, who knows best from where; so is a turn that was there before.
      const isStart = !sent.repeated && (!('startedTurn' in sent) || sent.startedTurn)
      const joins = stays() || (isStart && sent.chatSessionId === chatSessionId)
      return new Answered(sent, () => (joins ? watcher.release() : this.#leave(chatSessionId)))
    } catch (error) {
      if (stays()) watcher.release()
      else this.#leave(chatSessionId)
      throw error
    }
  }

  async #abort(
    chatSessionId: string,
    turnId: string | undefined,
  ): Promise<{ turnId?: string; status?: TurnStatus }> {
    const { sessions, store } = this.#world
    const { userId } = this.identity
    const session = await sessions.of(userId, chatSessionId)
    const wanted = turnId ?? session.liveTurnId
    if (wanted === undefined)
      throw new RelayError('not_found', `Chat session ${chatSessionId} has no live turn.`)
    const header = await store.readTurn(wanted)
    if (header?.chatSessionId !== chatSessionId) {
      throw new RelayError('not_found', `Chat session ${chatSessionId} has no turn ${wanted}.`)
    }
    return abortTurn(this.#world, userId, wanted)
  }
}

function overtaken(chatSessionId: string): RelayError {
  return new RelayError('superseded', `Chat session ${chatSessionId} was joined again, or left, meanwhile.`)
}
