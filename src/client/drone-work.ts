import { randomUUID } from 'node:crypto'
import type { Limits, WorkOrder } from '../protocol/drone-down.ts'
import type { PermissionRequest, Usage } from '../protocol/drone-up.ts'
import type { LaneHead } from '../protocol/position.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import type { Entry } from '../turns/entry.ts'
import { hasSideEffects } from '../turns/side-effects.ts'
import { MAIN_LANE } from '../turns/turn-log.ts'
import { Outbox } from './outbox.ts'
import { cutTool, isSmallEnough } from './tool-cut.ts'
import { Steers } from './steers.ts'
import type {
  Choice,
  InLane,
  Question,
  Steer,
  SteerListener,
  ToolCallWords,
  ToolResultWords,
  Work,
} from './work.ts'

/** What a piece of work needs of its client. */
export interface WorkDesk {
  readonly limits: Limits
  /** There is text to be sent: it may wait for more of it. */
  flushSoon(): void
  /** There is something that nobody should wait for. */
  flushNow(): void
  /** There is room in the window. */
  hasRoom(): boolean
  sendUsage(usage: Usage): void
  ask(work: DroneWork, request: PermissionRequest): Promise<Choice | undefined>
}

/** How a turn is to end, as the drone sees it. */
export interface Completion {
  readonly success: boolean
  readonly message: string | undefined
}

/** One accepted order: what is said of it goes through its outbox. */
export class DroneWork implements Work {
  readonly order: WorkOrder
  readonly outbox: Outbox
  readonly #desk: WorkDesk
  readonly #stop = new AbortController()
  readonly #steers = new Steers()
  /** When each call was made, ticks. */
  readonly #begun = new Map<string, number>()
  readonly #waiting: (() => void)[] = []
  readonly #over: Promise<void>
  #resolveOver: () => void = () => undefined
  #isOver = false
  #sideEffects = false
  completion: Completion | undefined
  /** The completion is on its way: it is not sent twice at a time. */
  completing = false

  constructor(order: WorkOrder, desk: WorkDesk) {
    this.order = order
    this.outbox = new Outbox(order.attempt)
    this.#desk = desk
    this.#over = new Promise((resolve) => (this.#resolveOver = resolve))
    for (const steer of order.steers ?? []) this.#steers.add(steer)
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** A tool has started that might do something twice if it ran again. */
  get sideEffects(): boolean {
    return this.#sideEffects
  }

  get isOver(): boolean {
    return this.#isOver
  }

  thinking(text: string, options?: InLane): Promise<void> {
    return this.#say(options, { kind: 'text', mode: 'thinking', text, createdAt: Date.now() })
  }

  response(text: string, options?: InLane): Promise<void> {
    return this.#say(options, { kind: 'text', mode: 'responding', text, createdAt: Date.now() })
  }

  toolCall(call: ToolCallWords): Promise<void> {
    const cut = cutTool(
      { params: call.params, response: call.response ?? '', detail: call.detail },
      this.#desk.limits,
    )
    this.#begun.set(inLane(call), performance.now())
    return this.#say(call, {
      kind: 'call',
      callId: call.callId,
      name: call.name,
      parameters: cut.params,
      response: cut.response,
      ...(cut.detail ? { detail: cut.detail } : {}),
      ...(cut.truncated ? { truncated: true } : {}),
      createdAt: Date.now(),
    })
  }

  toolResult(result: ToolResultWords): Promise<void> {
    const cut = cutTool({ params: '', response: result.response, detail: result.detail }, this.#desk.limits)
    const { callId, isError } = result
    const [subagent, stats] = [result.subagent, result.stats].map((value) =>
      isSmallEnough(value, this.#desk.limits) ? value : undefined,
    )
    const begunAt = this.#begun.get(inLane(result))
    const isTruncated = cut.truncated || subagent !== result.subagent || stats !== result.stats
    return this.#say(result, {
      kind: 'result',
      callId,
      response: cut.response,
      ...(isError === undefined ? {} : { isError }),
      ...(begunAt === undefined ? {} : { durationMs: Math.round(performance.now() - begunAt) }),
      ...(cut.detail ? { detail: cut.detail } : {}),
      ...(isTruncated ? { truncated: true } : {}),
      ...(subagent === undefined ? {} : { subagent }),
      ...(stats === undefined ? {} : { stats }),
      createdAt: Date.now(),
    })
  }

  usage(totals: Omit<Usage, 'turnId' | 'attempt'>): void {
    const { turnId, attempt } = this.order
    if (!this.#isOver) this.#desk.sendUsage({ ...totals, turnId, attempt })
  }

  ask({ options, ...question }: Question): Promise<Choice | undefined> {
    const { turnId, attempt } = this.order
    if (this.#isOver || this.completion) return Promise.resolve(undefined)
    const request = { requestId: randomUUID(), turnId, attempt, ...question, options: [...options] }
    return this.#desk.ask(this, request)
  }

  onSteer(listener: SteerListener): void {
    this.#steers.listen(listener)
  }

  complete(success: boolean, message?: string): Promise<void> {
    if (!this.completion && !this.#isOver) {
      this.completion = { success, message }
      this.#steers.close()
      this.outbox.finish()
      this.#desk.flushNow()
    }
    return this.#over
  }

  /** `answering` hears how the agent took it, with nothing where it did not before the end. */
  steered(steer: Steer, answering: (as: SteerTaken | undefined) => void): void {
    this.#steers.add(steer, answering)
  }

  /** The messages that the agent took, as a completion names them. */
  takenSteers(): { messageId: string; as: SteerTaken }[] {
    return this.#steers.taken()
  }

  /** The heads that a completion names. */
  heads(): LaneHead[] {
    return this.outbox.heads()
  }

  /** Whoever does the work is told to stop; what was said is still delivered. */
  interrupt(reason: string): void {
    this.#stop.abort(new Error(reason))
    this.goOn()
  }

  /** There is room, or nothing to wait for: whoever speaks may go on. */
  goOn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** The turn has ended, or is somebody else's: nothing of it is kept. */
  over(reason: string): void {
    this.#isOver = true
    this.#steers.close()
    this.interrupt(reason)
    this.#resolveOver()
  }

  #say(place: InLane | undefined, entry: Entry): Promise<void> {
    if (this.#isOver || this.completion || (entry.kind === 'text' && entry.text === ''))
      return Promise.resolve()
    if (entry.kind === 'call' && hasSideEffects(entry)) this.#sideEffects = true
    this.outbox.append(place?.lane ?? MAIN_LANE, entry)
    if (entry.kind === 'text') this.#desk.flushSoon()
    else this.#desk.flushNow()
    if (this.signal.aborted || this.#desk.hasRoom()) return Promise.resolve()
    this.#desk.flushNow()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

function inLane({ lane = MAIN_LANE, callId }: InLane & { readonly callId: string }): string {
  return JSON.stringify([lane, callId])
}
