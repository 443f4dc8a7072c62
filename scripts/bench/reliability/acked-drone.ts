import { randomUUID } from 'node:crypto'
import type { DroneWelcome, WorkOrder } from '../../../src/protocol/drone-down.ts'
import type { WireError } from '../../../src/protocol/errors.ts'
import { PROTOCOL_VERSION } from '../../../src/protocol/handshake.ts'
import type { Position } from '../../../src/protocol/position.ts'
import { Connection } from '../../../src/client/connection.ts'
import { Outbox } from '../../../src/client/outbox.ts'
import { wireEntry } from '../../../src/turns/wire-entry.ts'
import { Transcript } from '../transcript.ts'
import { moment } from './crew-spec.ts'
import type { Ordered } from './crew-spec.ts'

/** Ms between two tries to have an end taken, and for one try's answer. */
const END_AGAIN_MS = 500
const END_ANSWER_MS = 10_000

export interface AckedDroneOptions {
  readonly url: string
  readonly token: string
  readonly droneId: string
  readonly workspaceId: string
}

/**
 * A drone made of the SDK's connection and outbox, without its merging and its files: each token leaves as one event at
 * once, and it is known when the checkpoint that covers it came.
 */
export class AckedDrone {
  readonly droneId: string
  readonly workspaceId: string
  readonly welcomed: Promise<void>
  readonly ordered: Promise<WorkOrder>
  readonly orders: Ordered[] = []
  readonly transcript = new Transcript()
  /** What was not as it must be. */
  readonly wrong: string[] = []
  /** Ms from saying a token to its checkpoint; emptied by who reads it. */
  acks: number[] = []
  #connection: Connection<DroneWelcome>
  #outbox: Outbox | undefined
  #order: WorkOrder | undefined
  #limits: DroneWelcome['limits'] | undefined
  #heartbeat: ReturnType<typeof setInterval> | undefined
  #unacked: { readonly end: number; readonly at: number }[] = []
  #acked = 0
  #waiting: { readonly offset: number; readonly resolve: () => void }[] = []

  constructor({ url, token, droneId, workspaceId }: AckedDroneOptions) {
    this.droneId = droneId
    this.workspaceId = workspaceId
    let onWelcome: () => void = () => undefined
    this.welcomed = new Promise((resolve) => (onWelcome = resolve))
    let onOrder: (order: WorkOrder) => void = () => undefined
    this.ordered = new Promise((resolve) => (onOrder = resolve))
    const registration = { name: droneId, hostname: 'bench', workspaceId, droneId, instanceId: randomUUID() }
    this.#connection = new Connection<DroneWelcome>({
      url,
      namespace: '/drone',
      auth: () => ({ token, protocol: PROTOCOL_VERSION, registration }),
      isUrgent: () => true,
      onWelcome: (welcome) => {
        this.#welcomedAgain(welcome)
        onWelcome()
      },
      onDown: () => clearInterval(this.#heartbeat),
      onFinal: (refusal) => this.wrong.push(`drone ${droneId} was refused: ${refusal.message}`),
    })
    this.#listen(onOrder)
    this.#connection.open()
  }

  get length(): number {
    return this.transcript.length
  }

  get turnId(): string | undefined {
    return this.#order?.turnId
  }

  say(text: string): void {
    if (!this.#outbox) throw new Error(`drone ${this.droneId} has nothing to work on`)
    this.transcript.text('responding', text)
    this.#unacked.push({ end: this.length, at: performance.now() })
    this.#outbox.append('', { kind: 'text', mode: 'responding', text, createdAt: Date.now() })
    this.#flush()
  }

  whenAcked(offset: number): Promise<void> {
    if (this.#acked >= offset) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ offset, resolve }))
  }

  /** Ends the turn; resolves when the relay has stored the end. */
  async end(): Promise<void> {
    const { socket } = this.#connection
    if (!this.#order || !this.#outbox) throw new Error(`drone ${this.droneId} has nothing to end`)
    const { turnId, attempt } = this.#order
    this.#outbox.finish()
    for (;;) {
      this.#flush()
      if (this.#connection.up) {
        const detail = { attempt, heads: this.#outbox.heads() }
        const answer = (await socket
          .timeout(END_ANSWER_MS)
          .emitWithAck('workOrderComplete', turnId, true, null, detail)
          .catch(() => undefined)) as { ok: boolean; error?: WireError } | undefined
        if (answer?.ok) return
        if (answer?.error?.retryable === false) {
          this.wrong.push(`drone ${this.droneId} may not end its turn: ${answer.error.code}`)
          return
        }
      }
      await new Promise((resolve) => setTimeout(resolve, END_AGAIN_MS))
    }
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#connection.close()
  }

  #listen(onOrder: (order: WorkOrder) => void): void {
    const { socket } = this.#connection
    socket.on('processWorkOrder', (order: WorkOrder, ack?: (answer: { ok: boolean }) => void) => {
      ack?.({ ok: true })
      const isKnown = this.#order?.turnId === order.turnId && this.#order.attempt === order.attempt
      const { droneId, workspaceId } = this
      this.orders.push({ droneId, workspaceId, attempt: order.attempt, at: moment() })
      if (isKnown) return
      this.#order = order
      this.#outbox = new Outbox(order.attempt)
      onOrder(order)
    })
    socket.on('checkpoint', ({ lane, offset }: Position) => {
      this.#outbox?.checkpoint(lane ?? '', offset)
      this.#ackedUpTo(offset)
    })
    socket.on('rewind', ({ lane, offset }: Position) => {
      if (this.#outbox?.rewind(lane ?? '', offset) === false)
        this.wrong.push(`drone ${this.droneId} could not go back to ${offset}`)
      this.#flush()
    })
    socket.on('error', ({ code, message, retryable }: Partial<WireError>) => {
      if (retryable !== true) this.wrong.push(`drone ${this.droneId} heard ${code}: ${message}`)
    })
  }

  #welcomedAgain({ limits, turns, heartbeatIntervalMs }: DroneWelcome): void {
    this.#limits = limits
    clearInterval(this.#heartbeat)
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatIntervalMs)
    if (this.#order && this.#outbox) {
      const { turnId, attempt } = this.#order
      const mine = turns.find((turn) => turn.turnId === turnId && turn.attempt === attempt)
      if (!mine) this.wrong.push(`drone ${this.droneId} has lost its turn`)
      else if (!this.#outbox.reconnect(mine.lanes))
        this.wrong.push(`drone ${this.droneId}: words that were acknowledged are lost`)
      else this.#ackedUpTo(mine.lanes[0]?.offset ?? 0)
    }
    this.#beat()
    this.#flush()
  }

  #beat(): void {
    const turns = this.#order ? [this.#order.turnId] : []
    if (this.#connection.up) this.#connection.socket.emit('heartbeat', { turns }, () => undefined)
  }

  #flush(): void {
    if (!this.#connection.up || !this.#limits || !this.#order) return
    const { turnId, attempt } = this.#order
    this.#outbox?.flush(this.#limits, (lane, placed) => {
      const { name, args } = wireEntry({ turnId, attempt, lane }, placed)
      this.#connection.socket.emit(name, ...args)
      return true
    })
  }

  #ackedUpTo(offset: number): void {
    if (offset <= this.#acked) return
    this.#acked = offset
    const now = performance.now()
    for (let first = this.#unacked[0]; first && first.end <= offset; first = this.#unacked[0]) {
      this.acks.push(now - first.at)
      this.#unacked.shift()
    }
    if (this.#waiting.length === 0) return
    for (const { offset: wanted, resolve } of this.#waiting) if (wanted <= offset) resolve()
    this.#waiting = this.#waiting.filter(({ offset: wanted }) => wanted > offset)
  }
}
