import type { codeUp } from '../protocol/code-up.ts'
import type { droneUp } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ArgsOf } from '../protocol/event.ts'
import type { Json } from '../protocol/values.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import type { News } from '../turns/feed.ts'
import type { Seat } from '../turns/seat.ts'
import type { ChatSessionRecord } from '../turns/turn-store.ts'
import { sessionUsageView } from '../turns/usage.ts'
import type { Directory } from './directory.ts'
import { Once } from './once.ts'

/** Of one drone: more than anybody shows. */
const MAX_OF_DRONE = 100

/** The relay's own: what a session has used. */
export const METRICS = 'session-metrics'

type Updated = ArgsOf<(typeof droneUp)['surface:update']>[0]
type Invoked = ArgsOf<(typeof codeUp)['surface:invoke']>[0]
type Named = Pick<Invoked, 'droneId' | 'surfaceId' | 'chatSessionId'>

export interface SurfaceView {
  readonly droneId?: string
  readonly surfaceId: string
  readonly title: string
  readonly chatSessionId?: string
  readonly stale?: boolean
}

interface Surface {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  readonly shown: Updated
  readonly stale: boolean
}

export interface SurfacesOptions {
  readonly directory: Pick<Directory, 'get'>
  readonly sessions: Pick<ChatSessions, 'of'>
  readonly toolBytes: number
  readonly tellUser: (userId: string, surfaces: SurfaceView[]) => void
  /** To those who have subscribed. */
  readonly tellRoom: (room: string, update: object) => void
}

/** [SF1] What drones, and the relay, show beside words: a title, a specification that IDEs draw, and what can be pressed. */
export class Surfaces {
  readonly #options: SurfacesOptions
  readonly #surfaces = new Map<string, Surface>()
  readonly #once = new Once<object>()

  constructor(options: SurfacesOptions) {
    this.#options = options
  }

  /** A drone shows something, shows it otherwise, or (without a specification) takes it away. */
  async update(drone: Pick<Seat, 'registrationId' | 'droneId' | 'userId'>, shown: Updated): Promise<void> {
    const { registrationId, droneId, userId } = drone
    const { surfaceId, chatSessionId, spec } = shown
    const size = Buffer.byteLength(JSON.stringify(shown))
    if (size > this.#options.toolBytes)
      throw new RelayError('payload_too_large', `A surface may have ${this.#options.toolBytes} bytes.`)
    if (chatSessionId !== undefined) await this.#options.sessions.of(userId, chatSessionId)
    const key = keyOf(registrationId, surfaceId)
    const before = this.#surfaces.get(key)
    if (spec === undefined) this.#surfaces.delete(key)
    else {
      if (!before && this.#ofDrone(registrationId).length >= MAX_OF_DRONE)
        throw new RelayError('rate_limited', `A drone may show ${MAX_OF_DRONE} surfaces.`)
      this.#surfaces.set(key, { registrationId, droneId, userId, shown, stale: false })
    }
    this.#options.tellRoom(roomOf(userId, { droneId, surfaceId }), { ...shown, spec: spec ?? null, droneId })
    const isListedOtherwise =
      !before || before.stale || spec === undefined || before.shown.title !== shown.title
    if (isListedOtherwise) this.#tellCatalog(userId)
  }

  /** [SF3] A drone is gone: what it showed stays, marked. */
  gone({ registrationId, userId }: { readonly registrationId: string; readonly userId: string }): void {
    const shown = this.#ofDrone(registrationId).filter(([, surface]) => !surface.stale)
    for (const [key, surface] of shown) this.#surfaces.set(key, { ...surface, stale: true })
    if (shown.length > 0) this.#tellCatalog(userId)
  }

  catalogOf(userId: string): SurfaceView[] {
    const shown = [...this.#surfaces.values()].filter((surface) => surface.userId === userId).map(viewOf)
    return [{ surfaceId: METRICS, title: 'What the session has used' }, ...shown]
  }

  ofSession(userId: string, chatSessionId: string): SurfaceView[] {
    return this.catalogOf(userId).filter((surface) => surface.chatSessionId === chatSessionId)
  }

  /** The room of those who are told of a surface, and what it shows now. */
  async find(userId: string, named: Named): Promise<{ room: string; spec: Json }> {
    if (named.droneId === undefined) {
      const session = await this.#sessionOf(userId, named)
      return { room: roomOf(userId, named), spec: metricsOf(session) }
    }
    const { shown } = this.#surfaceOf(userId, named)
    return { room: roomOf(userId, named), spec: shown.spec ?? null }
  }

  /** [SF2] Somebody pressed something: told to its drone, once for each `requestId`. */
  invoke(userId: string, invoked: Invoked): Promise<object> {
    return this.#once.do(JSON.stringify([userId, invoked.requestId]), async () => {
      const { registrationId, droneId, shown } = this.#surfaceOf(userId, invoked)
      const { requestId, surfaceId, actionId, payload, chatSessionId } = invoked
      const actions = (shown.actions ?? []).map((action) => action.actionId)
      if (!actions.includes(actionId))
        throw new RelayError('invalid_payload', `Surface ${surfaceId} has no action ${actionId}.`, {
          details: { allowed: actions },
        })
      const seat = this.#options.directory.get(registrationId)
      if (!seat) throw new RelayError('drone_offline', `Drone ${droneId} is not here.`)
      await seat.pressed({
        requestId,
        surfaceId,
        actionId,
        ...(payload === undefined ? {} : { payload }),
        ...(chatSessionId === undefined ? {} : { chatSessionId }),
      })
      return {}
    })
  }

  /** News of a session, some of which its metrics show. */
  hear(session: ChatSessionRecord, news: News): void {
    if (news.name !== 'session:info') return
    const { userId, chatSessionId } = session
    const named = { surfaceId: METRICS, chatSessionId }
    const update = { ...named, title: 'What the session has used', spec: metricsOf(session) }
    this.#options.tellRoom(roomOf(userId, named), update)
  }

  #ofDrone(registrationId: string): [string, Surface][] {
    return [...this.#surfaces].filter(([, surface]) => surface.registrationId === registrationId)
  }

  #surfaceOf(userId: string, { droneId, surfaceId }: Named): Surface {
    for (const surface of this.#surfaces.values())
      if (surface.userId === userId && surface.droneId === droneId && surface.shown.surfaceId === surfaceId)
        return surface
    throw new RelayError('not_found', `There is no surface ${surfaceId} here.`)
  }

  async #sessionOf(userId: string, { surfaceId, chatSessionId }: Named): Promise<ChatSessionRecord> {
    if (surfaceId !== METRICS) throw new RelayError('not_found', `There is no surface ${surfaceId} here.`)
    if (chatSessionId === undefined)
      throw new RelayError('invalid_payload', `Surface ${METRICS} is about a chat session: name it.`)
    return this.#options.sessions.of(userId, chatSessionId)
  }

  #tellCatalog(userId: string): void {
    this.#options.tellUser(userId, this.catalogOf(userId))
  }
}

function keyOf(registrationId: string, surfaceId: string): string {
  return JSON.stringify([registrationId, surfaceId])
}

function roomOf(userId: string, { droneId, surfaceId, chatSessionId }: Named): string {
  const session = droneId === undefined ? chatSessionId : undefined
  return `surface:${JSON.stringify([userId, droneId ?? null, surfaceId, session ?? null])}`
}

function viewOf({ droneId, shown, stale }: Surface): SurfaceView {
  const { surfaceId, title, chatSessionId } = shown
  return {
    droneId,
    surfaceId,
    title,
    ...(chatSessionId === undefined ? {} : { chatSessionId }),
    ...(stale ? { stale } : {}),
  }
}

function metricsOf({ usage }: ChatSessionRecord): Json {
  return { kind: 'metrics', usage: usage ? ({ ...sessionUsageView(usage) } as Json) : null }
}
