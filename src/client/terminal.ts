/** Bytes that may be under way or wait to be taken, where nobody says otherwise. */
const WINDOW_BYTES = 131_072
/** Of the window: how much is taken before the relay is told. */
const TOLD_EVERY = 1 / 4
/** The pause before a terminal that is not there just now is asked for again, and how long it is, ms. */
const AGAIN_MS = 500
const LOST_AFTER_MS = 60_000
/** Bytes that the relay takes at a time. */
const MOST_INPUT_BYTES = 65_536
/** What clears an emulator before a snapshot is written to it (RIS). */
const RESET = '\u001bc'

/** Which terminal; `droneId` only where several of a user's drones have one of this id. */
export interface TerminalPlace {
  readonly droneId?: string | undefined
  readonly terminalId: string
}

export interface AttachOptions {
  /** Goes on after this offset; without it from the last snapshot on, or from the beginning if all of it is kept. */
  readonly after?: number
  /** The program may be made to wait for this viewer. By default the viewer misses what it is too slow for. */
  readonly waits?: boolean
  readonly windowBytes?: number
}

/** What comes of a terminal, in order. Offsets count the bytes of its program. */
export type TerminalPiece =
  | { readonly kind: 'bytes'; readonly offset: number; readonly bytes: Uint8Array }
  /** In the place of all bytes before `offset`: what a terminal of this size shows then, as text that draws it. */
  | {
      readonly kind: 'snapshot'
      readonly offset: number
      readonly cols: number
      readonly rows: number
      readonly screen: string
    }
  | { readonly kind: 'resized'; readonly offset: number; readonly cols: number; readonly rows: number }
  /** The last: null where nobody knows how it ended. */
  | { readonly kind: 'exited'; readonly offset: number; readonly exitCode: number | null }

export interface Attached {
  readonly droneId: string
  readonly from: number
  readonly cols: number
  readonly rows: number
}

interface Gathered {
  readonly pieces: Uint8Array[]
  length: number
  given: Promise<void>
}

/** What a terminal needs of its client. */
export interface TerminalLink {
  isUp(): boolean
  attach(payload: object, onAnswer: (attached: Attached) => void): Promise<Attached>
  /** Once: rejects where it is not known whether the relay has heard it. */
  askOnce(event: string, ...args: unknown[]): Promise<unknown>
  emit(event: string, payload: object): void
  onClosed(terminal: Terminal): void
}

/**
 * [TM6] A terminal that is watched: what its program says comes once and in order, over as many connections as it takes.
 * `for await` gives the pieces; a consumer that is slow is waited for (`waits`), or given a snapshot.
 */
export class Terminal implements AsyncIterable<TerminalPiece> {
  readonly terminalId: string
  readonly #link: TerminalLink
  readonly #options: AttachOptions
  readonly #windowBytes: number
  #droneId: string | undefined
  #size: { readonly cols: number; readonly rows: number } | undefined
  /** The offset after the last byte that has arrived; undefined before the first answer. */
  #next: number | undefined
  #toldTaken = 0
  #waiting: TerminalPiece[] = []
  #wake: () => void = () => undefined
  #error: Error | undefined
  #isOver = false
  /** What comes is of this attachment: what an earlier one was told late is left out. */
  #isAttached = false
  #isAttaching = false
  #lostTimer: ReturnType<typeof setTimeout> | undefined
  #typing: Promise<unknown> = Promise.resolve()
  /** What is typed while something else is under way: it goes together. */
  #gathered: Gathered | undefined
  #hasBegun = false

  constructor(link: TerminalLink, place: TerminalPlace, options: AttachOptions) {
    this.#link = link
    this.#options = options
    this.#windowBytes = options.windowBytes ?? WINDOW_BYTES
    this.#droneId = place.droneId
    this.terminalId = place.terminalId
    this.#next = options.after
  }

  /** Known once it is attached. */
  get droneId(): string | undefined {
    return this.#droneId
  }

  /** As of what has arrived. */
  get size(): { readonly cols: number; readonly rows: number } | undefined {
    return this.#size
  }

  /** For what asks by itself: resolves when attached, rejects where the relay refuses it. */
  async attach(): Promise<this> {
    const { waits } = this.#options
    await this.#link.attach(
      { ...this.#place(), after: this.#next ?? null, window: this.#windowBytes, waits },
      ({ droneId, from, cols, rows }) => {
        this.#droneId = droneId
        this.#size ??= { cols, rows }
        // Something else than what was asked for: a snapshot follows.
        this.#next ??= from
        this.#toldTaken = this.#next
        this.#isAttached = true
        this.#hasBegun = true
      },
    )
    return this
  }

  /** A connection is there again: it goes on from where it was. */
  reconnected(): void {
    // Who waits for the first answer asks until there is one.
    if (this.#isAttaching || this.#isOver || !this.#hasBegun) return
    void this.#attachAgain()
  }

  heard(piece: TerminalPiece): void {
    if (this.#isOver || !this.#isAttached) return
    if (piece.kind === 'bytes') this.#heardBytes(piece.offset, piece.bytes)
    else if (piece.kind === 'exited') this.#heardExit(piece)
    else {
      if (piece.kind === 'snapshot') this.#next = piece.offset
      this.#size = { cols: piece.cols, rows: piece.rows }
      this.#push(piece)
    }
  }

  /** Types. Resolves when the program has been given it; what was typed before comes before. */
  write(typed: Uint8Array | string): Promise<void> {
    const bytes = typeof typed === 'string' ? new TextEncoder().encode(typed) : typed
    const gathered = this.#gathered
    if (gathered && gathered.length + bytes.length <= MOST_INPUT_BYTES) {
      gathered.pieces.push(bytes)
      gathered.length += bytes.length
      return gathered.given
    }
    const fresh: Gathered = { pieces: [bytes], length: bytes.length, given: Promise.resolve() }
    fresh.given = this.#inOrder(async () => {
      if (this.#gathered === fresh) this.#gathered = undefined
      await this.#link.askOnce('terminal:input', this.#place(), joined(fresh))
    })
    this.#gathered = fresh
    return fresh.given
  }

  /** The last who resizes it wins, and all are told. */
  resize(cols: number, rows: number): Promise<void> {
    // What is typed from now on is typed into the other size.
    this.#gathered = undefined
    return this.#inOrder(() => this.#link.askOnce('terminal:resize', { ...this.#place(), cols, rows }))
  }

  /** Has its program ended. */
  kill(): Promise<void> {
    this.#gathered = undefined
    return this.#inOrder(() => this.#link.askOnce('terminal:close', this.#place()))
  }

  /** Watches no more. */
  detach(): void {
    if (this.#isOver) return
    if (this.#link.isUp()) void this.#link.askOnce('terminal:detach', this.#place()).catch(() => undefined)
    this.#close()
  }

  /** There is no connection any more: it was closed, or (`error`) is refused for good. */
  end(error?: Error): void {
    this.#error ??= error
    this.#close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalPiece, undefined> {
    try {
      for (;;) {
        const piece = this.#waiting.shift()
        if (piece) {
          yield piece
          if (piece.kind === 'exited') return undefined
          this.#took(piece)
        } else if (this.#error) throw this.#error
        else if (this.#isOver) return undefined
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.detach()
    }
  }

  /** The same as bytes that an emulator is written: a snapshot clears it first. Sizes are for `size` and the pieces to tell. */
  bytes(): ReadableStream<Uint8Array> {
    const pieces = this[Symbol.asyncIterator]()
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          for (;;) {
            const { value, done } = await pieces.next()
            if (done === true) return controller.close()
            if (value.kind === 'bytes') return controller.enqueue(value.bytes)
            if (value.kind === 'snapshot')
              return controller.enqueue(new TextEncoder().encode(`${RESET}${value.screen}`))
          }
        },
        cancel: async () => {
          await pieces.return(undefined)
        },
      },
      { highWaterMark: 0 },
    )
  }

  async #attachAgain(isMissing = false): Promise<void> {
    this.#isAttaching = true
    this.#isAttached = false
    this.#lostTimer ??= setTimeout(() => this.#lost(), LOST_AFTER_MS)
    // A connection attaches a terminal once.
    if (isMissing) await this.#link.askOnce('terminal:detach', this.#place()).catch(() => undefined)
    while (!this.#isOver && this.#link.isUp()) {
      try {
        await this.attach()
        this.#stopLosing()
        break
      } catch (error) {
        // Its drone, or the relay that hears of it again, may be on the way.
        const { code } = error as { code?: string }
        if (code !== 'not_found' && code !== 'gap' && code !== 'drone_offline') this.end(error as Error)
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
    this.#isAttaching = false
    // Time without a relay does not count.
    if (!this.#isAttached) this.#stopLosing()
  }

  #stopLosing(): void {
    clearTimeout(this.#lostTimer)
    this.#lostTimer = undefined
  }

  #heardBytes(offset: number, bytes: Uint8Array): void {
    const next = this.#next ?? offset
    if (offset > next) return void this.#attachAgain(true)
    const fresh = bytes.subarray(next - offset)
    if (fresh.length === 0) return
    this.#next = next + fresh.length
    this.#push({ kind: 'bytes', offset: next, bytes: fresh })
  }

  #heardExit(piece: TerminalPiece & { kind: 'exited' }): void {
    // Whoever watches the session hears of it as well, and maybe before the last bytes.
    if (piece.offset > (this.#next ?? 0)) return
    this.#push(piece)
    this.#close()
  }

  #push(piece: TerminalPiece): void {
    this.#waiting.push(piece)
    this.#wake()
  }

  #took(piece: TerminalPiece): void {
    const offset = piece.kind === 'bytes' ? piece.offset + piece.bytes.length : piece.offset
    const isDue = offset - this.#toldTaken >= this.#windowBytes * TOLD_EVERY || piece.kind === 'snapshot'
    if (!isDue || !this.#link.isUp()) return
    this.#toldTaken = offset
    this.#link.emit('terminal:taken', { ...this.#place(), offset })
  }

  #inOrder(ask: () => Promise<unknown>): Promise<void> {
    const done = this.#typing.then(async () => {
      await ask()
    })
    this.#typing = done.catch(() => undefined)
    return done
  }

  /** Nobody has known of it for too long. */
  #lost(): void {
    this.#push({ kind: 'exited', offset: this.#next ?? 0, exitCode: null })
    this.#close()
  }

  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopLosing()
    this.#link.onClosed(this)
    this.#wake()
  }

  #place(): TerminalPlace {
    return { droneId: this.#droneId, terminalId: this.terminalId }
  }
}

function joined({ pieces, length }: Gathered): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
