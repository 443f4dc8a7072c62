import type { RawData, WebSocket } from 'ws'
import { z } from 'zod'
import { toRelayError } from '../protocol/errors.ts'
import { count, opt } from '../protocol/values.ts'
import type { AgentNow, AgentState } from '../sessions/agent-state.ts'
import type { RelayTerminal } from '../terminals/relay-terminal.ts'
import type { Resize, Size, TerminalLog } from '../terminals/terminal-log.ts'
import type { TerminalOutlet, TerminalViewer } from '../terminals/terminal-viewer.ts'
import type { RawOutlet } from './raw-outlet.ts'

/** Of a frame, before its bytes: the position after them. */
const POSITION_BYTES = 8
/** A client that has said so many wrong things goes on with them. */
const MOST_WRONG = 300

const NORMAL = 1000
const POLICY_VIOLATION = 1008
const SERVICE_RESTART = 1012

const said = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resume'), lastSeq: opt(count) }),
  z.object({ type: z.literal('snapshot-request') }),
])

type Told =
  | (Size & { type: 'session-meta'; name: string; createdAt: string; terminalId: string; droneId: string })
  | { type: 'state'; value: AgentNow['value']; tool: string | null; ts: string }
  | (Size & { type: 'snapshot'; seq: number; data: string })
  | (Size & { type: 'resized'; seq: number })
  | { type: 'exited'; exitCode: number | null; seq: number }
  | { type: 'error'; code: string; message: string }

export interface TerminalStreamOptions {
  readonly ws: Pick<WebSocket, 'on'>
  readonly outlet: RawOutlet
  readonly terminal: RelayTerminal
  /** From here on its own: closed with it. */
  readonly agent: AgentState
}

/**
 * [TM8] One raw WebSocket that watches a terminal. Bytes wait in the terminal's log, and of everything else at most one
 * is under way: a client that is slow costs nothing.
 */
export class TerminalStream {
  readonly #options: TerminalStreamOptions
  #viewer: TerminalViewer | undefined
  /** What the client knows. */
  #size: Size
  #isTellingState = false
  #snapshotsDue = 0
  #wrong = 0

  constructor(options: TerminalStreamOptions) {
    const { ws, terminal, agent } = options
    this.#options = options
    ws.on('message', (data, isBinary) => this.#hear(data, isBinary))
    ws.on('close', () => {
      this.#viewer?.close()
      agent.close()
    })
    const { terminalId, droneId, title: name = terminalId, openedAt } = terminal.name
    this.#size = terminal.log.sizeAt(terminal.log.head)
    const createdAt = new Date(openedAt).toISOString()
    this.#say({ type: 'session-meta', name, createdAt, ...this.#size, terminalId, droneId })
    agent.listen(() => void this.#tellState())
    void this.#tellState()
  }

  /** The relay stops. */
  close(): void {
    this.#options.outlet.end(SERVICE_RESTART, 'The relay stops.')
  }

  #hear(data: RawData, isBinary: boolean): void {
    if (!this.#options.outlet.open) return
    const message = isBinary ? undefined : parsed(data)
    switch (message?.type) {
      case 'resume':
        this.#resume(message.lastSeq)
        break
      case 'snapshot-request':
        this.#snapshotsDue += 1
        if (this.#snapshotsDue === 1) void this.#answerSnapshots()
        break
      case undefined:
        this.#refuse('bad_message', 'Say, as JSON, `resume` with a position or null, or `snapshot-request`.')
        break
    }
  }

  #resume(lastSeq: number | undefined): void {
    const { terminal } = this.#options
    if (this.#viewer) {
      this.#refuse('bad_message', 'This connection has resumed already.')
      return
    }
    // What is there from its beginning needs no snapshot.
    const after = lastSeq ?? (terminal.log.base === 0 ? 0 : null)
    try {
      const { viewer, from, cols, rows } = terminal.attach({ outlet: this.#terminalOutlet(), after })
      this.#viewer = viewer
      if (from === after) this.#tellSize({ offset: from, cols, rows })
      viewer.wake()
    } catch (error) {
      const { code, message } = toRelayError(error)
      this.#refuse(code, message)
    }
  }

  #terminalOutlet(): TerminalOutlet {
    const { outlet } = this.#options
    return {
      get open() {
        return outlet.open
      },
      data: (offset, bytes) => outlet.send(frame(offset + bytes.length, bytes)),
      resized: (resize) => this.#tellSize(resize),
      snapshot: ({ screen, offset, cols, rows }) => {
        this.#size = { cols, rows }
        this.#tellScreen({ offset, cols, rows }, Buffer.from(screen))
      },
      exited: ({ offset, exitCode }) => {
        this.#say({ type: 'exited', exitCode, seq: offset })
        void outlet.whenTaken().then(() => outlet.end(NORMAL, 'The program has ended.'))
      },
      whenTaken: () => outlet.whenTaken(),
    }
  }

  #tellSize({ offset, cols, rows }: Resize): void {
    if (cols === this.#size.cols && rows === this.#size.rows) return
    this.#size = { cols, rows }
    this.#say({ type: 'resized', cols, rows, seq: offset })
  }

  #tellScreen({ offset, cols, rows }: Resize, screen: Buffer): void {
    this.#say({ type: 'snapshot', seq: offset, data: screen.toString('base64'), cols, rows })
  }

  /** One after the other: who asks and reads nothing gets no second one. */
  async #answerSnapshots(): Promise<void> {
    const { terminal, outlet } = this.#options
    const { log } = terminal
    for (; outlet.open && this.#snapshotsDue > 0; this.#snapshotsDue -= 1) {
      const screen = presentScreen(log)
      if (screen) this.#tellScreen({ offset: log.head, ...log.sizeAt(log.head) }, screen)
      else this.#refuse('snapshot_failed', 'Nothing is kept that the screen could be drawn from.')
      await outlet.whenTaken()
    }
  }

  /** A client that takes a while is told only the newest. */
  async #tellState(): Promise<void> {
    const { agent, outlet } = this.#options
    if (this.#isTellingState) return
    this.#isTellingState = true
    for (let told: AgentNow | undefined; outlet.open && !isSame(told, agent.now);) {
      told = agent.now
      const { value, tool, since } = told
      this.#say({ type: 'state', value, tool, ts: new Date(since).toISOString() })
      await outlet.whenTaken()
    }
    this.#isTellingState = false
  }

  #refuse(code: string, message: string): void {
    this.#say({ type: 'error', code, message })
    this.#wrong += 1
    if (this.#wrong > MOST_WRONG)
      this.#options.outlet.end(POLICY_VIOLATION, 'Too much of what was said was wrong.')
  }

  #say(told: Told): void {
    this.#options.outlet.send(JSON.stringify(told))
  }
}

function isSame(told: AgentNow | undefined, now: AgentNow): boolean {
  return told?.value === now.value && told.tool === now.tool
}

/** Undefined where it is nothing that a client says. */
function parsed(data: RawData): z.output<typeof said> | undefined {
  try {
    return said.safeParse(JSON.parse((data as Buffer).toString('utf8'))).data
  } catch {
    return undefined
  }
}

function frame(position: number, bytes: Buffer): Buffer {
  const before = Buffer.alloc(POSITION_BYTES)
  before.writeBigUInt64BE(BigInt(position))
  return Buffer.concat([before, bytes])
}

/** What draws the screen of just now. Undefined where the bytes that are kept go on from what is not. */
function presentScreen(log: TerminalLog): Buffer | undefined {
  if (log.base > 0 && !log.hasSnapshot) return undefined
  const { offset, screen } = log.lastSnapshot
  const pieces: Buffer[] = [Buffer.from(screen)]
  for (let at = offset; at < log.head;) {
    const piece = log.read(at, log.head - at)
    pieces.push(piece)
    at += piece.length
  }
  return Buffer.concat(pieces)
}
