import type { DroneDown, WorkOrder } from '../protocol/drone-down.ts'
import { RelayError } from '../protocol/errors.ts'
import type { WireError } from '../protocol/errors.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import type { Json } from '../protocol/values.ts'
import type { Size } from '../terminals/terminal-log.ts'
import type { Seat } from '../turns/seat.ts'
import type { TerminalQuestions } from './directory.ts'
import type { Outlet } from './outlet.ts'

/** How long a drone may take over a command. */
const COMMAND_MS = 60_000
/** How long it may take to start a program in a terminal, or to hand on what somebody typed. */
const TERMINAL_MS = 15_000

export interface DroneQuestionsOptions {
  readonly outlet: Outlet<DroneDown>
  readonly droneId: string
  /** A drone of the original is asked with less, and need not answer an order. */
  readonly isPlain: boolean
  readonly dispatchAckMs: number
  readonly terminationMs: number
}

/** What a drone is asked for, and what its answers mean: it may answer anything. */
export class DroneQuestions implements TerminalQuestions {
  readonly #options: DroneQuestionsOptions

  constructor(options: DroneQuestionsOptions) {
    this.#options = options
  }

  async order(order: WorkOrder): Promise<void> {
    const { outlet, droneId, isPlain, dispatchAckMs } = this.#options
    // A plain drone need not answer: its first word on the turn says that it has the order.
    const answer = await outlet.ask('processWorkOrder', isPlain ? undefined : dispatchAckMs, order)
    if (!isPlain && answer && !answer.ok) throw refused(droneId, answer.error)
  }

  abort(turnId: string, attempt: number): void {
    const { outlet, terminationMs } = this.#options
    // Its answer changes nothing: the turn is not its any more whatever it says.
    outlet.ask('abortWorkOrder', terminationMs, { turnId, attempt }).catch(() => undefined)
  }

  async steer(turnId: string, steer: { messageId: string; text: string }): Promise<SteerTaken> {
    const { outlet, droneId } = this.#options
    // It answers when its agent has taken it, however long that works: its turn's end comes first otherwise.
    const answer = await outlet.ask('steer', undefined, { turnId, ...steer })
    if (!answer?.ok) throw new RelayError('drone_busy', `Drone ${droneId} did not take the message.`)
    return answer.as === 'next' ? 'next' : 'now'
  }

  async pressed(action: Parameters<Seat['pressed']>[0]): Promise<void> {
    const { outlet, droneId } = this.#options
    const answer = await outlet.ask('surface:invoke', COMMAND_MS, action)
    if (!answer?.ok)
      throw new RelayError(
        'drone_busy',
        `Drone ${droneId} did not take it: ${answer?.error?.message ?? 'it said nothing more.'}`,
      )
  }

  async execute(command: Parameters<Seat['execute']>[0]): Promise<Json | undefined> {
    const { outlet, droneId } = this.#options
    const answer = await outlet.ask('executeCommand', COMMAND_MS, command)
    if (answer?.ok) return answer.result
    const error: Partial<WireError> = answer?.error ?? {}
    throw new RelayError(
      'invalid_payload',
      `Drone ${droneId} did not do ${command.command}: ${error.message ?? 'it said nothing more.'}`,
      { details: error.details },
    )
  }

  async open(asked: Parameters<TerminalQuestions['open']>[0]): Promise<{ terminalId: string }> {
    const answer = await this.#options.outlet.ask('terminal:open', TERMINAL_MS, asked)
    this.#checkTerminal(answer)
    return { terminalId: answer.terminalId }
  }

  async input(terminalId: string, bytes: Uint8Array): Promise<void> {
    const { outlet } = this.#options
    this.#checkTerminal(await outlet.ask('terminal:input', TERMINAL_MS, { terminalId }, bytes))
  }

  async resize(terminalId: string, { cols, rows }: Size): Promise<void> {
    const { outlet } = this.#options
    this.#checkTerminal(await outlet.ask('terminal:resize', TERMINAL_MS, { terminalId, cols, rows }))
  }

  async close(terminalId: string): Promise<void> {
    this.#checkTerminal(await this.#options.outlet.ask('terminal:close', TERMINAL_MS, { terminalId }))
  }

  /** Whether it leaves. */
  async terminate(mode: 'now' | 'drain', reason: string): Promise<boolean> {
    const { outlet, isPlain, terminationMs } = this.#options
    // The original is asked with the acknowledgement alone.
    const original = outlet as Outlet<{ requestTermination(ack: (leaves: boolean) => void): void }>
    const success = await (isPlain
      ? original.ask('requestTermination', terminationMs)
      : outlet.ask('requestTermination', terminationMs, { mode, reason }))
    // Only a plain yes is one.
    return (success as unknown) === true
  }

  #checkTerminal<Good extends object>(
    answer: (Good & { ok: true }) | { ok: false; error: WireError },
  ): asserts answer is Good & { ok: true } {
    if ((answer as typeof answer | undefined)?.ok === true) return
    const { code, message, details } = (answer as { error?: Partial<WireError> } | undefined)?.error ?? {}
    const known = code === 'forbidden' || code === 'not_found' || code === 'invalid_payload'
    throw new RelayError(
      known ? code : 'drone_busy',
      `Drone ${this.#options.droneId}: ${message ?? 'it did not say why it refused.'}`,
      { details },
    )
  }
}

/** `fenced`: it has begun this attempt before, and does not begin it again. */
function refused(droneId: string, error: Partial<WireError> | undefined): RelayError {
  const { code, message, details } = error ?? {}
  const reason = `Drone ${droneId} refused the order: ${message ?? 'it said nothing more.'}`
  return new RelayError(code === 'fenced' ? code : 'drone_busy', reason, { details })
}
