import type { Exit, Resize, Size, Snapshot, TerminalLog } from './terminal-log.ts'

/** Bytes of one piece: small enough that words of turns go out in between. */
const PIECE_BYTES = 65_536

/** How a viewer is told; each comes when what was before it has been taken. */
export interface TerminalOutlet {
  data(offset: number, bytes: Buffer): void
  resized(resize: Resize): void
  snapshot(snapshot: Snapshot): void
  exited(exit: Exit): void
  /** Resolves when what was told has gone out, or nobody is there any more. */
  whenTaken(): Promise<void>
  readonly open: boolean
}

export interface ViewerOptions {
  readonly log: TerminalLog
  readonly outlet: TerminalOutlet
  /** Bytes that may be under way until the viewer says that it has taken them; undefined: as many as the system takes. */
  readonly window: number | undefined
  /** The program may be made to wait for this viewer, rather than that the viewer misses something. */
  readonly waits: boolean
  /** It has gone on, or away. */
  readonly onMoved: () => void
}

/**
 * One who watches a terminal. It has a place of its own in the log and is told from there, as fast as it takes it: nothing
 * is kept for it besides. Where the log does not go back to its place any more it goes on from the last snapshot.
 */
export class TerminalViewer {
  readonly #options: ViewerOptions
  #next: number
  #taken: number
  /** The size that it knows. */
  #size: Size
  #needsSnapshot: boolean
  #isRunning = false
  #isClosed = false

  /** `after` null: from the last snapshot on. */
  constructor(options: ViewerOptions, after: number | null) {
    const { log } = options
    this.#options = options
    // What is there from its beginning needs none.
    const isWhole = log.base === 0 && !log.hasSnapshot
    this.#needsSnapshot = after === null ? !isWhole : after < log.base
    this.#next = this.#needsSnapshot ? log.lastSnapshot.offset : (after ?? 0)
    this.#taken = this.#next
    this.#size = log.sizeAt(this.#next)
  }

  /** The offset up to which it has been told. */
  get next(): number {
    return this.#next
  }

  get waits(): boolean {
    return this.#options.waits
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The viewer has taken everything before an offset. */
  took(offset: number): void {
    this.#taken = Math.max(this.#taken, Math.min(offset, this.#next))
    this.wake()
  }

  /** There is more to tell, or it may be told. */
  wake(): void {
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    void this.#run()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.onMoved()
  }

  async #run(): Promise<void> {
    const { outlet, onMoved } = this.#options
    while (!this.#isClosed && outlet.open && this.#tellNext()) {
      await outlet.whenTaken()
      onMoved()
    }
    this.#isRunning = false
    if (!outlet.open) this.close()
  }

  /** False where there is nothing to tell, or too much is under way. */
  #tellNext(): boolean {
    const { log, outlet, window } = this.#options
    const credit = window === undefined ? PIECE_BYTES : this.#taken + window - this.#next
    if (this.#needsSnapshot || this.#next < log.base) {
      // One that takes nothing is not given one snapshot after the other.
      if (credit <= 0) return false
      this.#skip(log.lastSnapshot)
      return true
    }
    const { cols, rows } = log.sizeAt(this.#next)
    if (cols !== this.#size.cols || rows !== this.#size.rows) {
      this.#size = { cols, rows }
      outlet.resized({ offset: this.#next, cols, rows })
      return true
    }
    const bytes = log.read(this.#next, Math.max(0, Math.min(PIECE_BYTES, credit)))
    if (bytes.length > 0) {
      outlet.data(this.#next, bytes)
      this.#next += bytes.length
      return true
    }
    if (!log.exit || this.#next < log.head) return false
    outlet.exited(log.exit)
    // There is nothing more to tell.
    this.close()
    return false
  }

  /** What it would have been told in between is in the snapshot, which is to be taken before more comes. */
  #skip(snapshot: Snapshot): void {
    const { offset, cols, rows } = snapshot
    this.#needsSnapshot = false
    this.#next = offset
    this.#size = { cols, rows }
    this.#options.outlet.snapshot(snapshot)
  }
}
