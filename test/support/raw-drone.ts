import type { DroneWelcome, WorkOrder } from '../../src/protocol/drone-down.ts'
import type { LaneHead } from '../../src/protocol/position.ts'
import { RawSocket } from './raw-socket.ts'

type Acknowledge = (answer?: unknown) => void
type Asked = Awaited<ReturnType<RawSocket['ask']>>

interface Call {
  readonly lane?: string
  readonly name?: string
  readonly params?: string
  readonly response?: string
  readonly detail?: object
  readonly truncated?: boolean
}

export interface Place {
  readonly turnId: string
  readonly attempt: number
}

/** A drone of a test: it says what the test has it say, and by default acknowledges what it is asked. */
export class RawDrone extends RawSocket {
  /** Whether orders are acknowledged; a test that answers itself takes `lastAck`. */
  acknowledges = true
  readonly orders: WorkOrder[] = []
  readonly acks: Acknowledge[] = []
  /** What came for its agent while that works; the test answers. */
  readonly steers: { messageId: string; text: string; ack: Acknowledge }[] = []

  constructor(url: string, auth: object, options: object = {}) {
    super(url, '/drone', auth, options)
    this.socket.on('processWorkOrder', (order: WorkOrder, ack: Acknowledge) => {
      this.orders.push(order)
      this.acks.push(ack)
      if (this.acknowledges) ack({ ok: true })
    })
    this.socket.on('steer', (steer: { messageId: string; text: string }, ack: Acknowledge) =>
      this.steers.push({ ...steer, ack }),
    )
    this.socket.on('abortWorkOrder', (_order: Place, ack: Acknowledge) => ack(true))
  }

  get welcomed(): DroneWelcome {
    return this.all('welcome')[0]?.[0] as DroneWelcome
  }

  /** The nth order it was given, from 1. */
  order(number = 1): Promise<WorkOrder> {
    return this.until(`order ${number}`, () => this.orders[number - 1])
  }

  /** The order of an attempt, whichever it was of all. */
  attempt(attempt: number): Promise<WorkOrder> {
    return this.until(`attempt ${attempt}`, () => this.orders.find((order) => order.attempt === attempt))
  }

  voice(order: Place): Voice {
    return new Voice(this, order)
  }

  /** Resolves once everything said before has been handled: events of a connection keep their order. */
  async handled(): Promise<void> {
    await this.ask('heartbeat', { turns: this.orders.map(({ turnId }) => turnId) })
  }

  checkpoints(lane = ''): number[] {
    return this.all('checkpoint')
      .map(([at]) => at as LaneHead)
      .filter((at) => at.lane === lane)
      .map(({ offset }) => offset)
  }

  checkpoint(offset: number, lane = ''): Promise<true> {
    return this.until(`a checkpoint at ${offset}`, () =>
      this.checkpoints(lane).some((reached) => reached >= offset),
    )
  }

  errors(): { code: string; event?: string; at?: { offset: number } }[] {
    return this.all('error').map(([error]) => error as { code: string })
  }

  error(code: string): Promise<{ code: string; event?: string; at?: { offset: number } }> {
    return this.until(`the error ${code}`, () => this.errors().find((error) => error.code === code))
  }
}

/** What a drone says of one attempt, at the right place; it counts the lanes' lengths. */
export class Voice {
  readonly place: Place
  readonly #drone: RawDrone
  readonly #lengths = new Map<string, number>()

  constructor(drone: RawDrone, { turnId, attempt }: Place) {
    this.#drone = drone
    this.place = { turnId, attempt }
  }

  length(lane = ''): number {
    return this.#lengths.get(lane) ?? 0
  }

  /** Goes on from here, as after a `rewind` or with words that somebody has already. */
  from(offset: number, lane = ''): this {
    this.#lengths.set(lane, offset)
    return this
  }

  thinking(text: string, lane = ''): this {
    this.#drone.emit('thinking', text, this.#at(lane, text.length))
    return this
  }

  response(text: string, lane = ''): this {
    this.#drone.emit('response', text, this.#at(lane, text.length))
    return this
  }

  call(callId: string, { lane = '', name = 'read', params = '{}', response = '', ...more }: Call = {}): this {
    this.#drone.emit('toolCall', callId, name, params, response, { ...this.#at(lane, 1), ...more })
    return this
  }

  result(
    callId: string,
    response: string,
    { lane = '', ...more }: { lane?: string; [field: string]: unknown } = {},
  ): this {
    this.#drone.emit('toolResult', callId, response, { ...this.#at(lane, 1), ...more })
    return this
  }

  heads(): LaneHead[] {
    return [...this.#lengths].map(([lane, offset]) => ({ lane, offset }))
  }

  complete(success = true, message: string | null = null): Promise<Asked> {
    const { turnId, attempt } = this.place
    return this.#drone.ask('workOrderComplete', turnId, success, message, { attempt, heads: this.heads() })
  }

  #at(lane: string, length: number): object {
    const offset = this.length(lane)
    this.#lengths.set(lane, offset + length)
    return { ...this.place, ...(lane === '' ? {} : { lane }), offset }
  }
}
