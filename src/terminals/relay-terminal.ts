import { RelayError } from '../protocol/errors.ts'
import type { EndedTerminal } from './terminal-store.ts'
import { TerminalLog } from './terminal-log.ts'
import type { Exit, Resize, Size, Snapshot } from './terminal-log.ts'
import { TerminalViewer } from './terminal-viewer.ts'
import type { TerminalOutlet } from './terminal-viewer.ts'

/** How much of the log viewers may be behind before a program has to wait for them, where they want that. */
const BEHIND = 1 / 4
/** Bytes after the last snapshot that the last screen is made of, where a drone has drawn none at the end. */
const LAST_BYTES = 65_536

export interface TerminalName {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  readonly terminalId: string
  readonly chatSessionId: string
  /** Which process of the drone has it. */
  readonly instanceId: string | undefined
  readonly title?: string | undefined
  /** Its program takes nothing from people. */
  readonly readOnly: boolean
  /** Epoch ms. */
  readonly openedAt: number
}

export interface Attaching {
  readonly outlet: TerminalOutlet
  /** See `TerminalViewer`. */
  readonly window?: number | undefined
  readonly waits?: boolean | undefined
  /** The offset that the viewer goes on from; null: the last snapshot. */
  readonly after: number | null
}

export interface Attached extends Size {
  readonly viewer: TerminalViewer
  /** What it is told begins here; a snapshot comes first where this is not what it asked for. */
  readonly from: number
}

/** [TM3] A terminal of a drone as the relay has it: what it said last, and who watches. */
export class RelayTerminal {
  readonly name: TerminalName
  readonly #ringBytes: number
  readonly log: TerminalLog
  /** A terminal that was there before this relay begins where its drone begins to tell of it. */
  #hasBegun = false
  readonly #viewers = new Set<TerminalViewer>()
  #waiting: (() => void)[] = []
  #isShown = false
  #turnId: string | undefined

  constructor(name: TerminalName, size: Size, ringBytes: number) {
    this.name = name
    this.#ringBytes = ringBytes
    this.log = new TerminalLog(size, ringBytes)
  }

  /** Whether clients may know of it. */
  get isShown(): boolean {
    return this.#isShown
  }

  /** The turn that was live when it was opened. */
  get turnId(): string | undefined {
    return this.#turnId
  }

  show(turnId: string | undefined): void {
    this.#isShown = true
    this.#turnId = turnId
  }

  get isWatched(): boolean {
    return this.#viewers.size > 0
  }

  /**
   * Bytes of its program. Resolves when its drone may send more: at once but where everybody who watches wants the program
   * to wait for them. Throws `gap` where bytes before these are missing.
   */
  take(offset: number, bytes: Uint8Array): Promise<void> | undefined {
    this.#begin(offset)
    if (!this.log.take(offset, bytes)) throw this.#gap(offset)
    this.#wake()
    return this.#isTooFast() ? new Promise((resolve) => this.#waiting.push(resolve)) : undefined
  }

  resized(resize: Resize): void {
    this.#begin(resize.offset, resize)
    if (!this.log.resized(resize)) throw this.#gap(resize.offset)
    this.#wake()
  }

  snapshot(snapshot: Snapshot): void {
    this.#begin(snapshot.offset, snapshot)
    this.log.snapshot(snapshot)
    this.#wake()
  }

  /** One that has ended, as it was stored. */
  static ended({ offset, exitCode, screen, cols, rows, ...ended }: EndedTerminal): RelayTerminal {
    const name = { ...ended, instanceId: undefined, readOnly: true }
    const terminal = new RelayTerminal(name, { cols, rows }, 0)
    terminal.snapshot({ offset, cols, rows, screen })
    terminal.exited(exitCode ?? null)
    terminal.show(ended.turnId)
    return terminal
  }

  /** As it is stored. */
  toEnded(endedAt: number): EndedTerminal {
    const { registrationId, droneId, userId, terminalId, chatSessionId, title, openedAt } = this.name
    const { exit, head, lastSnapshot } = this.log
    // Who draws no snapshots has said its last screen in so many bytes.
    const rest = this.log.read(lastSnapshot.offset, LAST_BYTES).toString('utf8')
    return {
      registrationId,
      droneId,
      userId,
      terminalId,
      chatSessionId,
      openedAt,
      endedAt,
      ...(title === undefined ? {} : { title }),
      ...(this.#turnId === undefined ? {} : { turnId: this.#turnId }),
      ...(typeof exit?.exitCode === 'number' ? { exitCode: exit.exitCode } : {}),
      offset: head,
      ...this.log.sizeAt(head),
      screen: `${lastSnapshot.screen}${rest}`,
    }
  }

  exited(exitCode: number | null): Exit {
    const exit = this.log.exited(exitCode)
    this.#wake()
    return exit
  }

  /** Throws `gap` where the viewer has seen more than there is. */
  attach({ outlet, window, waits = false, after }: Attaching): Attached {
    // Its drone is about to say what it says after a restart of the relay.
    if (after !== null && after > 0 && !this.#hasBegun)
      throw new RelayError('not_found', `Terminal ${this.name.terminalId} has not said anything yet.`)
    if (after !== null && after > this.log.head) throw this.#gap(after)
    const viewer = new TerminalViewer(
      {
        log: this.log,
        outlet,
        window,
        waits,
        onMoved: () => {
          if (viewer.isClosed) this.#viewers.delete(viewer)
          this.#letGo()
        },
      },
      after,
    )
    this.#viewers.add(viewer)
    this.#letGo()
    return { viewer, from: viewer.next, ...this.log.sizeAt(viewer.next) }
  }

  /** Nobody hears of it any more. */
  close(): void {
    for (const viewer of this.#viewers) viewer.close()
  }

  #begin(offset: number, size: Size = this.log.sizeAt(0)): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    if (offset > 0) this.log.begin({ offset, cols: size.cols, rows: size.rows })
  }

  #wake(): void {
    for (const viewer of this.#viewers) viewer.wake()
  }

  #isTooFast(): boolean {
    const viewers = [...this.#viewers]
    const behind = this.log.head - this.#ringBytes * BEHIND
    return viewers.length > 0 && viewers.every((viewer) => viewer.waits && viewer.next < behind)
  }

  #letGo(): void {
    if (this.#waiting.length === 0 || this.#isTooFast()) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #gap(offset: number): RelayError {
    const { terminalId } = this.name
    const { head } = this.log
    return new RelayError('gap', `Terminal ${terminalId} is known up to ${head}, and not to ${offset}.`, {
      details: { offset: head },
      level: 'debug',
    })
  }
}
