import type { CodeDown } from '../protocol/code-down.ts'
import type { codeUp } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import type { RelayTerminal } from '../terminals/relay-terminal.ts'
import type { TerminalOutlet, TerminalViewer } from '../terminals/terminal-viewer.ts'
import type { Directory, SeatedDrone } from './directory.ts'
import type { Once } from './once.ts'
import type { Outlet } from './outlet.ts'
import { Answered } from './socket-session.ts'
import type { Handlers } from './socket-session.ts'
import type { Terminals } from './terminals.ts'

/** Bytes that somebody types or pastes in one event. */
const MOST_INPUT_BYTES = 65_536
/** Terminals that one connection watches. */
const MOST_ATTACHED = 1000

type TerminalEvent =
  | 'terminal:open'
  | 'terminal:input'
  | 'terminal:resize'
  | 'terminal:close'
  | 'terminal:attach'
  | 'terminal:taken'
  | 'terminal:detach'

export interface CodeTerminalsOptions {
  readonly terminals: Terminals
  readonly directory: Pick<Directory, 'get' | 'findOf'>
  readonly sessions: Pick<ChatSessions, 'of'>
  readonly opening: Once<{ droneId: string; terminalId: string }>
  readonly userId: string
  /** A watcher makes no program wait. */
  readonly mayType: boolean
  readonly outlet: Outlet<CodeDown>
}

/** [TM4] The terminals that one IDE client's connection watches and types into. */
export class CodeTerminals {
  readonly #options: CodeTerminalsOptions
  readonly #attached = new Map<RelayTerminal, TerminalViewer>()

  constructor(options: CodeTerminalsOptions) {
    this.#options = options
  }

  handlers(): Pick<Handlers<typeof codeUp>, TerminalEvent> {
    const { opening, userId } = this.#options
    return {
      'terminal:open': (asked) =>
        opening.do(JSON.stringify([userId, asked.requestId]), () => this.#open(asked)),
      'terminal:input': async (named, bytes) => {
        if (bytes.length > MOST_INPUT_BYTES)
          throw new RelayError('payload_too_large', `A terminal takes ${MOST_INPUT_BYTES} bytes at a time.`)
        const terminal = this.#find(named)
        checkWritable(terminal)
        await this.#droneOf(terminal).terminals.input(terminal.name.terminalId, bytes)
        return {}
      },
      'terminal:resize': async ({ cols, rows, ...named }) => {
        const terminal = this.#find(named)
        checkWritable(terminal)
        await this.#droneOf(terminal).terminals.resize(terminal.name.terminalId, { cols, rows })
        return {}
      },
      'terminal:close': async (named) => {
        const terminal = this.#find(named)
        checkWritable(terminal)
        await this.#droneOf(terminal).terminals.close(terminal.name.terminalId)
        return {}
      },
      'terminal:attach': async ({ after, window, waits, ...named }) => {
        const { terminals } = this.#options
        const terminal = await terminals.findAny(userId, named)
        if (!this.#options.outlet.open) throw new RelayError('timeout', 'The connection has ended.')
        const { droneId, terminalId } = terminal.name
        this.#forgetClosed()
        if (this.#attached.has(terminal))
          throw new RelayError(
            'invalid_payload',
            `Terminal ${terminalId} is attached already: detach it first.`,
          )
        if (this.#attached.size >= MOST_ATTACHED)
          throw new RelayError('rate_limited', `A connection may watch ${MOST_ATTACHED} terminals.`)
        const outlet = terminalOutlet(this.#options.outlet, { droneId, terminalId })
        const { viewer, from, cols, rows } = terminal.attach({
          outlet,
          window,
          waits: waits === true && this.#options.mayType,
          after: after ?? null,
        })
        this.#attached.set(terminal, viewer)
        return new Answered({ droneId, from, cols, rows }, () => viewer.wake())
      },
      'terminal:taken': ({ offset, ...named }) => this.#viewerOf(named)?.took(offset),
      'terminal:detach': (named) => {
        this.#viewerOf(named)?.close()
        return {}
      },
    }
  }

  /** The connection has ended. */
  close(): void {
    for (const viewer of this.#attached.values()) viewer.close()
    this.#attached.clear()
  }

  async #open({
    droneId,
    chatSessionId,
    ...asked
  }: Parameters<Required<Pick<Handlers<typeof codeUp>, 'terminal:open'>>['terminal:open']>[0]) {
    const { sessions, directory, terminals, userId } = this.#options
    const session = await sessions.of(userId, chatSessionId)
    const wanted = droneId ?? session.droneId
    const record = wanted === undefined ? undefined : directory.findOf(userId, wanted)
    if (!record) throw new RelayError('not_found', 'There is no such drone: name the one that is to open it.')
    const drone = directory.get(record.registrationId)
    if (!drone) throw new RelayError('drone_offline', `Drone ${record.droneId} is not here.`)
    const { terminalId } = await drone.terminals.open({ ...asked, chatSessionId })
    await terminals.whenShown(record.registrationId, terminalId)
    return { droneId: record.droneId, terminalId }
  }

  #find(named: Parameters<Terminals['find']>[1]): RelayTerminal {
    return this.#options.terminals.find(this.#options.userId, named)
  }

  /** Undefined where it is not attached, or is not there any more. */
  #viewerOf({ droneId, terminalId }: Parameters<Terminals['find']>[1]): TerminalViewer | undefined {
    this.#forgetClosed()
    for (const [terminal, viewer] of this.#attached) {
      if (
        terminal.name.terminalId === terminalId &&
        terminal.name.droneId === (droneId ?? terminal.name.droneId)
      )
        return viewer
    }
    return undefined
  }

  #forgetClosed(): void {
    for (const [terminal, viewer] of this.#attached) if (viewer.isClosed) this.#attached.delete(terminal)
  }

  #droneOf({ name: { registrationId, droneId } }: RelayTerminal): SeatedDrone {
    const drone = this.#options.directory.get(registrationId)
    if (drone) return drone
    throw new RelayError('drone_offline', `Drone ${droneId} is not here just now.`)
  }
}

function checkWritable({ name: { readOnly, terminalId } }: RelayTerminal): void {
  if (readOnly) throw new RelayError('forbidden', `Terminal ${terminalId} takes nothing from people.`)
}

function terminalOutlet(
  outlet: Outlet<CodeDown>,
  named: { readonly droneId: string; readonly terminalId: string },
): TerminalOutlet {
  return {
    get open() {
      return outlet.open
    },
    data: (offset, bytes) => outlet.emit('terminal:data', { ...named, offset }, bytes),
    resized: (resize) => outlet.emit('terminal:resized', { ...named, ...resize }),
    snapshot: (snapshot) => outlet.emit('terminal:snapshot', { ...named, ...snapshot }),
    exited: ({ offset, exitCode }) =>
      outlet.emit('terminal:exited', { ...named, offset, ...(exitCode === null ? {} : { exitCode }) }),
    whenTaken: () => outlet.whenDrained(),
  }
}
