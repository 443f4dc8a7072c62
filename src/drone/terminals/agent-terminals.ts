import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, resolve } from 'node:path'
import { RequestError } from '@agentclientprotocol/sdk'
import type {
  CreateTerminalRequest,
  CreateTerminalResponse,
  TerminalOutputResponse,
  WaitForTerminalExitResponse,
} from '@agentclientprotocol/sdk'
import type { Logger } from '../logger.ts'
import { insideWorkspace } from '../workspace-files.ts'
import { definedOf } from './environment.ts'
import { OutputTail } from './output-tail.ts'
import { openPty } from './pty.ts'
import type { Pty, PtyExit, PtyListener, PtyOptions } from './pty.ts'
import { openSeenPty } from './seen-pty.ts'
import type { Seen } from './seen-pty.ts'

/** Terminals of one agent that run at a time. */
const MOST_RUNNING = 32
/** Terminals that were released and whose words a tool call may still show. */
const MOST_RELEASED = 100
/** Bytes of output that are kept where the agent names no limit, and at most. */
const DEFAULT_BYTES = 1024 * 1024
const MOST_BYTES = 8 * 1024 * 1024
/** As wide as people read logs; programs that draw need some size. */
const SIZE = { cols: 120, rows: 30 } as const
/** ms a program gets to end by itself when its terminal is released or the agent has gone. */
const END_MS = 2000

interface Terminal {
  readonly tail: OutputTail
  readonly pty: Pty
  readonly exited: Promise<PtyExit>
  exit: PtyExit | undefined
}

export interface AgentTerminalsOptions {
  /** Programs run within it. */
  readonly workspace: string
  /** What programs find in their environment, besides what the agent says. */
  readonly env: NodeJS.ProcessEnv
  readonly logger: Logger
  /** How people see what runs for a session of the agent's; nothing where they do not. */
  readonly seenAs?: ((agentSessionId: string) => Omit<Seen, 'title' | 'terminalId'> | undefined) | undefined
}

/** [AG66] The terminals that an agent opens by ACP's `terminal/*`: its programs run with the drone, in its workspace. */
export class AgentTerminals {
  readonly #options: AgentTerminalsOptions
  readonly #terminals = new Map<string, Terminal>()
  readonly #released = new Map<string, Terminal>()
  readonly #listeners = new Set<(terminalId: string) => void>()
  #opening = 0

  constructor(options: AgentTerminalsOptions) {
    this.#options = options
  }

  /** Hears which terminal has said something, or has ended. The answer stops that. */
  listen(listener: (terminalId: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async create(request: CreateTerminalRequest): Promise<CreateTerminalResponse> {
    const { workspace, env, logger } = this.#options
    const running = [...this.#terminals.values()].filter(({ exit }) => !exit).length
    if (running + this.#opening >= MOST_RUNNING)
      throw RequestError.invalidRequest(
        { running },
        `${MOST_RUNNING} terminals run already: release those that are not needed`,
      )
    this.#opening += 1
    try {
      const { command, args } = commandOf(request, env['SHELL'])
      const cwd = await insideWorkspace(workspace, request.cwd ?? '.')
      const added = Object.fromEntries((request.env ?? []).map(({ name, value }) => [name, value]))
      const program = definedOf({ ...env, ...added })
      await checkProgram(command, cwd, program['PATH'])
      const terminalId = randomUUID()
      const limit = Math.min(request.outputByteLimit ?? DEFAULT_BYTES, MOST_BYTES)
      const title = [command, ...args].join(' ')
      const seen = this.#options.seenAs?.(request.sessionId)
      const options = { command, args, cwd, env: program, ...SIZE }
      await this.#open(terminalId, options, limit, seen && { ...seen, terminalId, title })
      logger.info(`The agent runs in a terminal: ${title}`)
      return { terminalId }
    } finally {
      this.#opening -= 1
    }
  }

  output({ terminalId }: { readonly terminalId: string }): TerminalOutputResponse {
    const { tail, exit } = this.#find(terminalId)
    return { output: tail.text(), truncated: tail.truncated, ...(exit ? { exitStatus: exit } : {}) }
  }

  waitForExit({ terminalId }: { readonly terminalId: string }): Promise<WaitForTerminalExitResponse> {
    return this.#find(terminalId).exited
  }

  /** What it has said stays, and it can still be asked about. */
  kill({ terminalId }: { readonly terminalId: string }): void {
    endSoon(this.#find(terminalId))
  }

  release({ terminalId }: { readonly terminalId: string }): void {
    const terminal = this.#find(terminalId)
    this.#terminals.delete(terminalId)
    this.#released.set(terminalId, terminal)
    endSoon(terminal)
    const [oldest] = this.#released.keys()
    if (this.#released.size > MOST_RELEASED && oldest !== undefined) this.#released.delete(oldest)
  }

  /** What people are shown of a terminal, also after it was released; undefined where there is none. */
  textOf(terminalId: string): string | undefined {
    const terminal = this.#terminals.get(terminalId) ?? this.#released.get(terminalId)
    if (!terminal) return undefined
    const { tail, exit } = terminal
    const how = exit && (exit.signal ?? (exit.exitCode === 0 ? undefined : `exit code ${exit.exitCode}`))
    return `${tail.truncated ? '[…]\n' : ''}${tail.text()}${how === undefined ? '' : `\n[${how}]`}`
  }

  /** The agent has gone: so have its programs. */
  close(): void {
    for (const terminal of this.#terminals.values()) endSoon(terminal)
    this.#terminals.clear()
    this.#released.clear()
  }

  async #open(terminalId: string, options: PtyOptions, limit: number, seen: Seen | undefined): Promise<void> {
    const tail = new OutputTail(limit)
    let resolveExited: (exit: PtyExit) => void = () => undefined
    const exited = new Promise<PtyExit>((resolve) => (resolveExited = resolve))
    const tell = (): void => {
      for (const listener of this.#listeners) listener(terminalId)
    }
    const listener: PtyListener = {
      onBytes: (bytes) => {
        tail.add(bytes)
        tell()
      },
      onExit: (exit) => {
        terminal.exit = exit
        resolveExited(exit)
        tell()
      },
    }
    const opened = seen
      ? openSeenPty(options, seen, listener).then(({ pty }) => pty)
      : openPty(options, listener)
    const pty = await opened.catch((cause: unknown) => {
      throw RequestError.invalidParams({ command: options.command }, `It cannot be run: ${String(cause)}`)
    })
    const terminal: Terminal = { tail, pty, exited, exit: undefined }
    this.#terminals.set(terminalId, terminal)
    if (!pty.isTerminal)
      this.#options.logger.warn(
        'There is no terminal library here: the program runs on pipes and sees no terminal.',
      )
  }

  #find(terminalId: string): Terminal {
    const terminal = this.#terminals.get(terminalId)
    if (!terminal) throw RequestError.resourceNotFound(terminalId)
    return terminal
  }
}

/** A command without arguments that is more than a name is a line for the shell. */
function commandOf(
  { command, args = [] }: CreateTerminalRequest,
  shell = 'sh',
): { command: string; args: string[] } {
  if (args.length > 0 || !/\s/.test(command.trim())) return { command, args }
  return { command: shell, args: ['-c', command] }
}

/** Rejects where there is no such program: a terminal would only show a shell's word for that. */
async function checkProgram(command: string, cwd: string, path = ''): Promise<void> {
  if (process.platform === 'win32') return
  const places = command.includes('/') ? [cwd] : path.split(delimiter)
  for (const place of places) {
    const isThere = await access(resolve(place, command), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return
  }
  throw RequestError.invalidParams({ command }, `There is no program "${command}" that can be run here`)
}

function endSoon({ pty, exit, exited }: Terminal): void {
  if (exit) return
  pty.kill('SIGTERM')
  const timer = setTimeout(() => pty.kill('SIGKILL'), END_MS)
  void exited.then(() => clearTimeout(timer))
}
