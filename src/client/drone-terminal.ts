import { randomUUID } from 'node:crypto'
import { TerminalLog } from '../terminals/terminal-log.ts'
import type { Size, Snapshot } from '../terminals/terminal-log.ts'
import type { WireError } from '../protocol/errors.ts'
import type { Answer } from './delivery.ts'

/** Bytes of a terminal that a drone keeps, where its relay does not keep fewer. */
export const RING_BYTES = 262_144
/** Of the ring: what may be under way, and how much is said between two snapshots. */
const WINDOW = 1 / 2
const DRAWN_EVERY = 1 / 2
/** Bytes of one event. */
const PIECE_BYTES = 32_768
/** The pause after a refusal that may pass, ms. */
const AGAIN_MS = 1000

export interface ShownTerminal extends Size {
  readonly chatSessionId: string
  readonly title?: string
  /** Unique among this drone's; without it a new one. */
  readonly terminalId?: string
  /** Its program takes nothing from people. */
  readonly readOnly?: boolean
  /** Draws what a terminal shows that was written everything up to an offset; without it who comes late sees less. */
  readonly draw?: () => Promise<Snapshot>
  /** Somebody typed. What it throws is the refusal. */
  readonly onInput?: (bytes: Uint8Array) => unknown
  /** Somebody wants another size: `resized` says that it has it. */
  readonly onResize?: (size: Size) => unknown
  /** Somebody wants it to end: `exited` says that it has. */
  readonly onClose?: () => unknown
}

/** The way to the relay, while there is one. */
export interface TerminalWire {
  readonly up: boolean
  emit(name: string, ...args: unknown[]): void
}

/**
 * [TM5] A terminal of a drone, told to the relay: every byte once and in order, from a ring where the connection broke, and
 * from a snapshot where the ring does not go back that far.
 */
export class DroneTerminal {
  readonly terminalId: string
  readonly #shown: ShownTerminal
  readonly #wire: TerminalWire
  readonly #onOver: () => void
  readonly #log: TerminalLog
  #ringBytes = RING_BYTES
  /** What an answer belongs to: goes up with each connection, and when it begins anew. */
  #era = 0
  #sent = 0
  #acknowledged = 0
  /** The size that the relay knows at `sent`. */
  #size: Size | undefined
  #snapshotSent = -1
  #drawnAt = 0
  #drawing: Promise<void> | undefined
  #cannotDraw = false
  /** The relay does not want it: its program goes on, unseen. */
  #isRefused = false
  #exit: { readonly exitCode: number | null } | undefined
  #isLastDrawn = false
  #isExitSaid = false
  #writers: (() => void)[] = []

  constructor(shown: ShownTerminal, wire: TerminalWire, onOver: () => void) {
    this.terminalId = shown.terminalId ?? randomUUID()
    this.#shown = shown
    this.#wire = wire
    this.#onOver = onOver
    this.#log = new TerminalLog(shown, RING_BYTES)
  }

  get shown(): ShownTerminal {
    return this.#shown
  }

  get hasExited(): boolean {
    return this.#exit !== undefined
  }

  /**
   * Bytes of its program, at most as many as the ring has. Resolves when more may be written: whoever waits for that makes
   * the program wait.
   */
  write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > RING_BYTES)
      throw new RangeError(`A terminal is written at most ${RING_BYTES} bytes at a time: cut them.`)
    this.#log.take(this.#log.head, bytes)
    this.#drawIfDue()
    this.#pump()
    if (!this.#mustWait()) return Promise.resolve()
    return new Promise((resolve) => this.#writers.push(resolve))
  }

  /** It has this size from now on. */
  resized({ cols, rows }: Size): void {
    this.#log.resized({ offset: this.#log.head, cols, rows })
    this.#pump()
  }

  /** Its program has ended, with this code, or null where there is none. */
  exited(exitCode: number | null): void {
    if (this.#exit) return
    this.#exit = { exitCode }
    // The last screen is what is kept of it.
    void this.#drawLast().then(() => this.#pump())
  }

  /** A connection: the relay knows it up to `known`, or not at all. */
  welcomed(known: number | undefined, ringBytes = RING_BYTES): void {
    this.#ringBytes = Math.min(RING_BYTES, ringBytes)
    this.#isRefused = false
    this.#beginAnew(known)
    this.#open()
  }

  down(): void {
    this.#era += 1
    this.#giveWay()
  }

  #open(): void {
    const { chatSessionId, title, readOnly } = this.#shown
    const opened = {
      terminalId: this.terminalId,
      chatSessionId,
      title,
      ...(this.#size ?? this.#log.sizeAt(this.#sent)),
      readOnly,
    }
    this.#ask('terminal:opened', [opened], (refusal) => {
      if (!refusal) return
      if (refusal.retryable === true) setTimeout(() => this.#open(), AGAIN_MS)
      else this.#isRefused = true
      this.#giveWay()
    })
    this.#pump()
  }

  /** From where the relay is; from the beginning of the ring where it knows nothing of it. */
  #beginAnew(known: number | undefined): void {
    this.#era += 1
    this.#isExitSaid = false
    this.#snapshotSent = -1
    this.#sent = known !== undefined && known <= this.#log.head ? known : this.#log.base
    this.#acknowledged = this.#sent
    // A size that was said with the last connection may not have arrived.
    this.#size = known === undefined ? this.#log.sizeAt(this.#sent) : undefined
  }

  #pump(): void {
    if (!this.#wire.up || this.#isRefused) return
    while (this.#sayNext());
    this.#sayExit()
    this.#giveWay()
  }

  /** False where there is nothing to say, or enough is under way. */
  #sayNext(): boolean {
    const { terminalId } = this
    if (this.#sent < this.#log.base) return this.#skip()
    const { cols, rows } = this.#log.sizeAt(this.#sent)
    if (this.#size?.cols !== cols || this.#size.rows !== rows) {
      this.#size = { cols, rows }
      this.#wire.emit('terminal:resized', { terminalId, offset: this.#sent, cols, rows })
    }
    const snapshot = this.#log.lastSnapshot
    const isNew = this.#log.hasSnapshot && snapshot.offset > this.#snapshotSent
    if (isNew && snapshot.offset <= this.#sent) {
      this.#snapshotSent = snapshot.offset
      this.#wire.emit('terminal:snapshot', { terminalId, ...snapshot })
    }
    const room = this.#ringBytes * WINDOW - (this.#sent - this.#acknowledged)
    const bytes = this.#log.read(this.#sent, Math.max(0, Math.min(PIECE_BYTES, room)))
    if (bytes.length === 0) return false
    const offset = this.#sent
    this.#sent += bytes.length
    this.#ask('terminal:data', [{ terminalId, offset }, bytes], (refusal) => {
      const { offset: head } = (refusal?.details ?? {}) as { offset?: number }
      if (!refusal) this.#acknowledged = Math.max(this.#acknowledged, offset + bytes.length)
      else if (refusal.code === 'gap' && head !== undefined) this.#beginAnew(head)
      else if (refusal.code === 'not_found') return
      this.#pump()
    })
    return true
  }

  /** The ring does not go back to where the relay is: it goes on from a snapshot. */
  #skip(): boolean {
    if (!this.#log.hasSnapshot && this.#shown.draw && !this.#cannotDraw) {
      void this.#draw().then(() => this.#pump())
      return false
    }
    const snapshot = this.#log.lastSnapshot
    const { offset, cols, rows } = snapshot
    this.#era += 1
    this.#sent = offset
    this.#acknowledged = offset
    this.#size = { cols, rows }
    this.#snapshotSent = offset
    this.#wire.emit('terminal:snapshot', { terminalId: this.terminalId, ...snapshot })
    return true
  }

  /** When everything before it has arrived; said again until the relay has stored it. */
  #sayExit(): void {
    const { terminalId } = this
    if (!this.#exit || this.#isExitSaid || !this.#isLastDrawn || this.#acknowledged < this.#log.head) return
    this.#isExitSaid = true
    const { exitCode } = this.#exit
    this.#ask('terminal:exited', [{ terminalId, exitCode }], (refusal) => {
      if (!refusal || refusal.retryable !== true) return this.#onOver()
      this.#isExitSaid = false
      setTimeout(() => this.#pump(), AGAIN_MS)
    })
  }

  #drawIfDue(): void {
    const due = this.#drawnAt + this.#ringBytes * DRAWN_EVERY
    if (this.#log.head >= due && !this.#drawing) void this.#draw().then(() => this.#pump())
  }

  async #drawLast(): Promise<void> {
    await this.#drawing
    await this.#draw()
    this.#isLastDrawn = true
  }

  /** One at a time. */
  #draw(): Promise<void> {
    this.#drawing ??= this.#drawOne().finally(() => (this.#drawing = undefined))
    return this.#drawing
  }

  async #drawOne(): Promise<void> {
    const { draw } = this.#shown
    if (!draw || this.#cannotDraw) return
    try {
      this.#log.snapshot(await draw())
      this.#drawnAt = this.#log.lastSnapshot.offset
    } catch {
      // Who comes late is shown what the ring still has.
      this.#cannotDraw = true
    }
  }

  #ask(
    name: string,
    args: readonly unknown[],
    answered: (refusal: Partial<WireError> | undefined) => void,
  ): void {
    const era = this.#era
    this.#wire.emit(name, ...args, (answer: Answer) => {
      if (era === this.#era) answered(answer.ok ? undefined : (answer.error ?? {}))
    })
  }

  #mustWait(): boolean {
    if (!this.#wire.up || this.#isRefused) return false
    return this.#log.head - this.#acknowledged > this.#ringBytes * WINDOW
  }

  #giveWay(): void {
    if (this.#writers.length === 0 || this.#mustWait()) return
    for (const resolve of this.#writers.splice(0)) resolve()
  }
}
