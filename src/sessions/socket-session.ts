import type { Socket } from 'socket.io'
import { z } from 'zod'
import { RelayError, toRelayError } from '../protocol/errors.ts'
import type { ArgsOf, EventSpec, ResultOf } from '../protocol/event.ts'
import { position } from '../protocol/position.ts'
import type { KeyKind } from '../turns/turn-store.ts'
import { Bucket } from './bucket.ts'
import { Outlet } from './outlet.ts'

/** Events of any kind: far above any honest peer, low enough that one socket cannot take the whole loop. */
const EVENTS_PER_SECOND = 5000
const EVENTS_BURST = 10_000
/** A peer that is read more slowly is not read for this long at most: its pings have to come through. */
const LONGEST_PAUSE_MS = 1000
/** Refused events: a peer that keeps on after this many is cut off. */
const REFUSALS_PER_SECOND = 20
const REFUSALS_BURST = 200

export interface Logger {
  log(level: string, message: string, meta?: object): void
  debug(message: string, meta?: object): void
  info(message: string, meta?: object): void
  warn(message: string, meta?: object): void
  error(message: string, meta?: object): void
}

/** Who is behind a socket. */
export interface Identity {
  readonly keyId: string
  readonly kind: KeyKind
  readonly userId: string
}

/** Who may say an event. An event without a rule does not compile. */
export interface Rule {
  readonly allow: readonly KeyKind[]
}
export type Rules<Table> = { readonly [Name in keyof Table]: Rule }

/** An answer, and what happens right after it is sent. */
export class Answered<Fields> {
  readonly answer: Fields
  readonly afterwards: () => void
  constructor(answer: Fields, afterwards: () => void) {
    this.answer = answer
    this.afterwards = afterwards
  }
}

type Outcome<Spec extends EventSpec> = ResultOf<Spec> | Answered<ResultOf<Spec>>
export type Handlers<Table extends Record<string, EventSpec>> = {
  readonly [Name in keyof Table]?: (
    ...args: ArgsOf<Table[Name]>
  ) => Outcome<Table[Name]> | Promise<Outcome<Table[Name]>>
}

type AnyHandler = (...args: unknown[]) => unknown

interface Registered {
  readonly spec: EventSpec
  readonly slots: number
  readonly rule: Rule
}

/** The events of a table with its rules: the same for all sessions of a kind. */
const registries = new WeakMap<object, ReadonlyMap<string, Registered>>()

export interface SocketSessionOptions {
  readonly socket: Socket
  readonly identity: Identity
  readonly logger: Logger
  readonly ticks: () => number
  /** How long a peer may take nothing while it is waited for. */
  readonly frozenMs: number
  readonly onClosed: () => void
}

/** One connection: who it is, what it may say, and the way to answer it. Both kinds of peer are built on it. */
export abstract class SocketSession<Down> {
  readonly identity: Identity
  readonly outlet: Outlet<Down>
  protected readonly logger: Logger
  readonly #socket: Socket
  #events: ReadonlyMap<string, Registered> = new Map()
  #handlers: Readonly<Record<string, AnyHandler | undefined>> = {}
  readonly #flow: Bucket
  #pause: ReturnType<typeof setTimeout> | undefined
  readonly #refusals: Bucket

  constructor({ socket, identity, logger, ticks, frozenMs, onClosed }: SocketSessionOptions) {
    this.#socket = socket
    this.identity = identity
    this.logger = logger
    const onFrozen = (): void =>
      logger.info('A peer that takes nothing is cut off: it may come back and read on.', {
        socket: socket.id,
        user: identity.userId,
      })
    this.outlet = new Outlet({ socket, frozenMs, onFrozen })
    this.#flow = new Bucket({ perSecond: EVENTS_PER_SECOND, capacity: EVENTS_BURST, ticks })
    this.#refusals = new Bucket({ perSecond: REFUSALS_PER_SECOND, capacity: REFUSALS_BURST, ticks })
    // An `error` event without a listener would end the process. A peer may say `error` too, with anything in it.
    socket.on('error', (error: unknown) => {
      if (error instanceof Error) logger.warn('A socket failed.', { error: error.message })
    })
    socket.on('disconnect', (reason: string) => {
      clearTimeout(this.#pause)
      this.outlet.closed()
      this.guard('disconnect', () => this.onDisconnect(reason))
      onClosed()
    })
  }

  protected abstract onDisconnect(reason: string): void

  /** What to do with a peer that says more than it may in a second: read it more slowly, or refuse what is too much. */
  protected get isReadSlower(): boolean {
    return false
  }

  /** The wrapper around every event: limits, schema, permission, handler, acknowledgement. */
  protected listen<Table extends Record<string, EventSpec>>(
    table: Table,
    rules: Rules<Table>,
    handlers: Handlers<Table>,
  ): void {
    this.#events = registries.get(table) ?? register(table, rules)
    this.#handlers = handlers as Readonly<Record<string, AnyHandler | undefined>>
    this.#socket.onAny((name: string, ...raw: unknown[]) => this.#take(name, raw))
  }

  /** Runs what may throw where nobody is there to answer. */
  protected guard(what: string, task: () => void): void {
    try {
      task()
    } catch (error) {
      this.logger.error('A socket session failed.', { what, error })
    }
  }

  #take(name: string, raw: unknown[]): void {
    const last = raw.at(-1)
    const ack = typeof last === 'function' ? (last as (answer: unknown) => void) : undefined
    const args = ack ? raw.slice(0, -1) : raw
    const answer = this.#answerOnce(ack)
    try {
      const result = this.#handle(name, args)
      if (result instanceof Promise) {
        result.then(
          (value) => answer(this.#events.get(name), value),
          (error: unknown) => this.#refuse(name, args, ack, error),
        )
      } else answer(this.#events.get(name), result)
    } catch (error) {
      this.#refuse(name, args, ack, error)
    }
  }

  #handle(name: string, args: unknown[]): unknown {
    this.#checkFlow()
    const registered = this.#events.get(name)
    if (!registered) throw unknownEvent(name)
    if (!registered.rule.allow.includes(this.identity.kind)) {
      throw new RelayError('forbidden', `A ${this.identity.kind} key may not say ${name}.`)
    }
    const handler = this.#handlers[name]
    if (!handler) throw unknownEvent(name)
    const given = args.length > registered.slots ? args.slice(0, registered.slots) : args
    return handler(...this.#parse(name, registered, given))
  }

  #parse(name: string, { spec }: Registered, given: unknown[]): unknown[] {
    if (spec.isPlain?.(given) === true) return given
    const parsed = spec.args.safeParse(given)
    if (parsed.success) return parsed.data
    throw new RelayError('invalid_payload', `${name}: ${firstIssue(parsed.error)}`, { level: 'debug' })
  }

  /** Too much at once: a drone is read more slowly, for its words may not be lost; anybody else is refused. */
  #checkFlow(): void {
    if (!this.isReadSlower) {
      if (this.#flow.take()) return
      throw new RelayError('rate_limited', 'Too many events a second.', { retryAfterMs: 1000 })
    }
    const waitMs = Math.min(this.#flow.spend(), LONGEST_PAUSE_MS)
    if (waitMs === 0 || this.#pause !== undefined) return
    this.outlet.setReading('flow', false)
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.outlet.setReading('flow', true)
    }, waitMs)
  }

  #answerOnce(ack: ((answer: unknown) => void) | undefined) {
    return (registered: Registered | undefined, result: unknown): void => {
      const value = result instanceof Answered ? (result.answer as unknown) : result
      if (ack && registered?.spec.answer === 'boolean') ack(value)
      else if (ack) ack({ ok: true, ...(value as object | undefined) })
      if (result instanceof Answered) this.guard('afterwards', result.afterwards)
    }
  }

  #refuse(name: string, args: unknown[], ack: ((answer: unknown) => void) | undefined, error: unknown): void {
    const refusal = toRelayError(error)
    const level = refusal.level
    this.logger.log(level, 'An event was refused.', {
      event: clip(name),
      code: refusal.code,
      reason: refusal.message,
      ...(refusal.code === 'internal' ? { error: refusal.cause } : {}),
    })
    if (ack) ack({ ok: false, error: refusal.toWire() })
    else {
      const at = position.safeParse(args.at(-1))
      this.outlet.refuse({
        event: clip(name),
        ...refusal.toWire(),
        ...(at.success ? { at: at.data } : {}),
      })
    }
    if (
      refusal.code === 'invalid_payload' ||
      refusal.code === 'payload_too_large' ||
      refusal.code === 'rate_limited'
    ) {
      if (!this.#refusals.take()) {
        this.outlet.end(
          new RelayError('rate_limited', 'Too many events that had to be refused.', { retryAfterMs: 5000 }),
        )
      }
    }
  }
}

function register<Table extends Record<string, EventSpec>>(
  table: Table,
  rules: Rules<Table>,
): ReadonlyMap<string, Registered> {
  const registry = new Map<string, Registered>()
  for (const [name, spec] of Object.entries(table)) {
    const rule: Rule | undefined = rules[name]
    if (!rule) throw new TypeError(`event ${name} has no rule`)
    const slots = spec.args instanceof z.ZodTuple ? spec.args.def.items.length : 0
    registry.set(name, { spec, slots, rule })
  }
  registries.set(table, registry)
  return registry
}

function unknownEvent(name: string): RelayError {
  return new RelayError('invalid_payload', `This relay does not know the event ${clip(name)}.`)
}

/** Names from outside go into answers and logs only this long. */
function clip(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  if (!issue) return 'invalid'
  const path = issue.path.length > 0 ? ` at ${issue.path.join('.')}` : ''
  return `${issue.message}${path}`
}
