import { Works } from '../../src/client/works.ts'
import { DroneWork } from '../../src/client/drone-work.ts'
import type { WorkDesk } from '../../src/client/drone-work.ts'
import type { DroneWelcome, Limits, WorkOrder } from '../../src/protocol/drone-down.ts'
import type { SteerTaken } from '../../src/protocol/turn-view.ts'
import type { Position } from '../../src/protocol/position.ts'
import { wireEntry } from '../../src/turns/wire-entry.ts'
import type { Process } from './process.ts'
import type { Link } from './link.ts'
import { LIMITS, PEER_WAITS } from './model-config.ts'
import type { Frame } from './model-socket.ts'

/** So often what is asked for again is sent at once. */
const AT_ONCE = 3

/** What a drone writes down of an order; it outlives its process. */
export type StateFolder = Map<string, Pick<WorkOrder, 'turnId' | 'attempt' | 'workspaceId' | 'chatSessionId'>>

interface Answer {
  readonly ok: boolean
  readonly error?: { readonly code: string; readonly message: string; readonly retryable?: boolean }
}

export interface DroneHearing {
  onAccepted(drone: DroneProcess, order: WorkOrder): void
  onCheckpoint(at: Position): void
  /** A message for the agent of this order: it takes it at once, or never. */
  onSteered(order: WorkOrder, messageId: string): Promise<SteerTaken>
  /** The relay has taken a completion: the turn has ended, and that is stored. */
  onCompleted(turnId: string): void
  /** The relay holds less than it has said to be stored. */
  onLostWords(turnId: string): void
}

/** One process of a drone: what `DroneClient` does with its works, on a link and a clock of the model's. */
export class DroneProcess {
  readonly instanceId: string
  readonly works = new Works()
  /** Works whose speaker waits for room. */
  readonly waiting = new Set<DroneWork>()
  readonly #process: Process
  readonly #folder: StateFolder
  readonly #left: StateFolder
  readonly #hearing: DroneHearing
  readonly #held = new Set<DroneWork>()
  readonly #givenUp = new Map<string, number>()
  #link: Link | undefined
  #limits: Limits | undefined
  #flushing = false
  #cancelBeat: () => void = () => undefined

  constructor(instanceId: string, process: Process, folder: StateFolder, hearing: DroneHearing) {
    this.instanceId = instanceId
    this.#process = process
    this.#folder = folder
    this.#left = new Map(folder)
    this.#hearing = hearing
  }

  /** On this link until it is down; said nothing before the welcome. */
  use(link: Link): void {
    this.#link = link
    this.#limits = undefined
  }

  /** What is said in one go leaves as one piece. */
  flushNow(): boolean {
    if (!this.#flushing) return false
    this.#flushing = false
    const limits = this.#limits
    if (!this.#link || !limits) return true
    for (const work of this.works.all()) {
      if (this.#held.has(work)) continue
      const { turnId, attempt } = work.order
      work.outbox.flush(limits, (lane, placed) => {
        const { name, args } = wireEntry({ turnId, attempt, lane }, placed)
        this.#emit(name, ...args)
        return true
      })
      if (work.completion && !work.outbox.hasUnsent && !work.completing) this.#complete(work)
    }
    return true
  }

  onFrame({ name, args, ack }: Frame): void {
    const [payload] = args
    switch (name) {
      case 'welcome':
        return this.#welcomed(payload as DroneWelcome)
      case 'processWorkOrder':
        return this.#accept(payload as WorkOrder, ack)
      case 'checkpoint':
        return this.#checkpoint(payload as Position)
      case 'rewind':
        return this.#rewind(payload as Position)
      case 'steer': {
        const { turnId, ...steer } = payload as { turnId: string; messageId: string; text: string }
        const work = this.works.get(turnId)
        const refusal = { ok: false, error: { code: 'fenced' } }
        if (!work) return ack?.(refusal)
        return work.steered(steer, (as) => ack?.(as ? { ok: true, as } : refusal))
      }
      case 'abortWorkOrder': {
        const { turnId, attempt } = payload as Position
        const work = this.works.of({ turnId, attempt })
        if (work) this.#drop(work)
        return ack?.(true)
      }
      case 'crashRecoveryResponse': {
        const { turnId } = payload as Position
        this.#left.delete(turnId)
        if (!this.works.get(turnId)) this.#folder.delete(turnId)
        return
      }
      case 'error': {
        const { code, at } = payload as { code: string; at?: Position }
        const work = at && this.works.of(at)
        if (work && code === 'fenced') this.#drop(work)
        else if (work) this.#fail(work, code)
      }
    }
  }

  onDown(): void {
    this.#cancelBeat()
    this.#link = undefined
    this.#limits = undefined
    for (const work of this.works.all()) work.completing = false
  }

  #welcomed(welcome: DroneWelcome): void {
    this.#limits = welcome.limits
    this.works.windowBytes = welcome.limits.windowBytes
    this.#held.clear()
    const listed = new Map(welcome.turns.map((turn) => [turn.turnId, turn]))
    for (const work of this.works.all()) {
      const turn = listed.get(work.order.turnId)
      if (turn?.attempt !== work.order.attempt) this.#drop(work)
      else if (!work.outbox.reconnect(turn.lanes)) {
        this.#hearing.onLostWords(work.order.turnId)
        this.#fail(work, 'The relay has lost words that it had stored.')
      }
    }
    for (const { turnId, attempt, acknowledged } of welcome.turns) {
      if (this.works.get(turnId) || this.#left.has(turnId) || !acknowledged) continue
      this.#emit('workOrderComplete', turnId, false, 'lost', { attempt, heads: [] })
    }
    for (const { turnId, attempt, workspaceId, chatSessionId } of this.#left.values())
      this.#emit('requestCrashRecovery', { workspaceId, turnId, chatSessionId, attempt })
    // What the relay had stored gave room back, and no checkpoint may ever say so again.
    this.works.giveRoom()
    this.#cancelBeat()
    this.#beat(welcome.heartbeatIntervalMs)
    this.#flushing = true
  }

  #beat(everyMs: number): void {
    this.#emit('heartbeat', { turns: this.works.turnIds }, () => undefined)
    this.#cancelBeat = this.#process.after(everyMs, () => this.#beat(everyMs))
  }

  #accept(order: WorkOrder, ack: Frame['ack']): void {
    const { turnId, attempt, workspaceId, chatSessionId } = order
    const known = this.works.get(turnId)
    if (known?.order.attempt === attempt) return ack?.({ ok: true })
    if ((this.#givenUp.get(turnId) ?? 0) >= attempt) {
      return ack?.({ ok: false, error: { code: 'fenced', details: { sideEffects: false } } })
    }
    if (known) this.#drop(known)
    const work = new DroneWork(order, this.#desk())
    work.onSteer(({ messageId }) => this.#hearing.onSteered(order, messageId))
    this.works.add(work)
    this.#left.delete(turnId)
    this.#folder.set(turnId, { turnId, attempt, workspaceId, chatSessionId })
    this.#hearing.onAccepted(this, order)
    ack?.({ ok: true })
  }

  #desk(): WorkDesk {
    return {
      limits: LIMITS,
      flushSoon: () => (this.#flushing = true),
      flushNow: () => (this.#flushing = true),
      hasRoom: () => this.works.hasRoom,
      sendUsage: (usage) => this.#emit('usage', usage),
      ask: () => Promise.resolve(undefined),
    }
  }

  #checkpoint(at: Position): void {
    this.#hearing.onCheckpoint(at)
    this.works.of(at)?.outbox.checkpoint(at.lane ?? '', at.offset)
    this.works.giveRoom()
  }

  #rewind({ turnId, attempt, lane = '', offset }: Position): void {
    const work = this.works.of({ turnId, attempt })
    if (!work) return
    if (!work.outbox.rewind(lane, offset))
      this.#fail(work, 'What was said could not be brought to the relay.')
    else if (work.outbox.fruitless > AT_ONCE) this.#hold(work)
    else this.#flushing = true
  }

  /** The relay cannot take its words just now. */
  #hold(work: DroneWork): void {
    this.#held.add(work)
    this.#process.after(PEER_WAITS.againMs, () => {
      this.#held.delete(work)
      this.#flushing = true
    })
  }

  #complete(work: DroneWork): void {
    const { completion, order, heads } = {
      completion: work.completion,
      order: work.order,
      heads: work.heads(),
    }
    if (!completion) return
    work.completing = true
    const detail = { attempt: order.attempt, heads, steers: work.takenSteers() }
    let isAnswered = false
    const answered = (answer?: Answer): void => {
      if (isAnswered) return
      isAnswered = true
      const code = answer?.error?.code
      if (answer?.ok) this.#hearing.onCompleted(order.turnId)
      if (answer?.ok || code === 'fenced' || code === 'not_found') this.#drop(work)
      else if (answer && answer.error?.retryable !== true && completion.success)
        work.completion = { success: false, message: answer.error?.message }
      work.completing = false
      if (!work.isOver) this.#process.after(PEER_WAITS.completeAgainMs, () => (this.#flushing = true))
    }
    const { success, message = null } = completion
    this.#emit('workOrderComplete', order.turnId, success, message, detail, answered)
    this.#process.after(PEER_WAITS.answerMs, () => answered())
  }

  #fail(work: DroneWork, message: string): void {
    work.interrupt(message)
    work.completion = { success: false, message }
    if (!work.completing) this.#complete(work)
  }

  #drop(work: DroneWork): void {
    this.#givenUp.set(work.order.turnId, work.order.attempt)
    if (this.works.drop(work, 'The turn is over.')) this.#folder.delete(work.order.turnId)
  }

  #emit(name: string, ...args: unknown[]): void {
    if (this.#limits) this.#link?.emit(name, ...args)
  }
}
