import type { DroneDown, DroneWelcome } from '../protocol/drone-down.ts'
import type { Size } from '../terminals/terminal-log.ts'
import type { Answer } from './delivery.ts'
import { DroneTerminal } from './drone-terminal.ts'
import type { ShownTerminal, TerminalWire } from './drone-terminal.ts'

export type TerminalRequest = Parameters<DroneDown['terminal:open']>[0]
export type OpenTerminal = (request: TerminalRequest) => DroneTerminal | Promise<DroneTerminal>
type OpenAnswer = Answer & { terminalId?: string }

/** [TM5] The terminals that a drone shows, and what people ask of them. */
export class DroneTerminals {
  readonly #wire: TerminalWire
  readonly #onTerminal: OpenTerminal | undefined
  readonly #terminals = new Map<string, DroneTerminal>()
  readonly #opening = new Map<string, Promise<OpenAnswer>>()
  #welcome: Pick<DroneWelcome, 'limits'> | undefined
  #settled: (() => void)[] = []

  constructor(wire: TerminalWire, onTerminal: OpenTerminal | undefined) {
    this.#wire = wire
    this.#onTerminal = onTerminal
  }

  open(shown: ShownTerminal): DroneTerminal {
    const terminal = new DroneTerminal(shown, this.#wire, () => {
      this.#terminals.delete(terminal.terminalId)
      this.#settle()
    })
    if (this.#terminals.has(terminal.terminalId))
      throw new Error(`There is a terminal ${terminal.terminalId} already.`)
    this.#terminals.set(terminal.terminalId, terminal)
    if (this.#wire.up) terminal.welcomed(undefined, this.#welcome?.limits.terminalRingBytes)
    return terminal
  }

  welcomed({ limits, terminals }: Pick<DroneWelcome, 'limits' | 'terminals'>): void {
    this.#welcome = { limits }
    const heads = new Map(terminals.map(({ terminalId, offset }) => [terminalId, offset]))
    for (const terminal of this.#terminals.values())
      terminal.welcomed(heads.get(terminal.terminalId), limits.terminalRingBytes)
  }

  down(): void {
    for (const terminal of this.#terminals.values()) terminal.down()
  }

  /** Resolves when the relay knows of every end that there was. */
  whenSettled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve)
      this.#settle()
    })
  }

  /** [DC14] However often it is asked for, it is opened once. */
  opened(request: TerminalRequest): Promise<OpenAnswer> {
    const known = this.#opening.get(request.requestId)
    if (known) return known
    const answer = this.#answerOf(async () => {
      if (!this.#onTerminal) throw new Refusal('forbidden', 'This drone opens no terminals for people.')
      return { terminalId: (await this.#onTerminal(request)).terminalId }
    })
    this.#opening.set(request.requestId, answer)
    void answer.then(() => setTimeout(() => this.#opening.delete(request.requestId), REMEMBERED_MS).unref())
    return answer
  }

  input({ terminalId }: { readonly terminalId: string }, bytes: Uint8Array): Promise<Answer> {
    return this.#answerOf(async () => {
      const { onInput, readOnly } = this.#find(terminalId).shown
      if (!onInput || readOnly === true)
        throw new Refusal('forbidden', `Terminal ${terminalId} takes nothing from people.`)
      await onInput(bytes)
    })
  }

  resize({ terminalId, cols, rows }: { readonly terminalId: string } & Size): Promise<Answer> {
    return this.#answerOf(async () => {
      const { onResize } = this.#find(terminalId).shown
      if (!onResize) throw new Refusal('forbidden', `Terminal ${terminalId} keeps its size.`)
      await onResize({ cols, rows })
    })
  }

  close({ terminalId }: { readonly terminalId: string }): Promise<Answer> {
    return this.#answerOf(async () => {
      const { onClose } = this.#find(terminalId).shown
      if (!onClose) throw new Refusal('forbidden', `Terminal ${terminalId} cannot be closed by people.`)
      await onClose()
    })
  }

  #find(terminalId: string): DroneTerminal {
    const terminal = this.#terminals.get(terminalId)
    if (terminal && !terminal.hasExited) return terminal
    throw new Refusal('not_found', `There is no terminal ${terminalId} here, or it has ended.`)
  }

  async #answerOf<Fields extends object>(
    task: () => Promise<Fields | void>,
  ): Promise<Answer & Partial<Fields>> {
    try {
      return { ok: true, ...(await task()) } as Answer & Partial<Fields>
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'internal'
      const message = error instanceof Error ? error.message : String(error)
      return { ok: false, error: { code, message } } as Answer & Partial<Fields>
    }
  }

  #settle(): void {
    if ([...this.#terminals.values()].some(({ hasExited }) => hasExited)) return
    for (const resolve of this.#settled.splice(0)) resolve()
  }
}

/** How long the answer to an opening is remembered: whoever asked asks again within that, ms. */
const REMEMBERED_MS = 600_000

class Refusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
