import type { DroneTerminal, ShownTerminal } from '../../client/drone-terminal.ts'
import type { TerminalRequest } from '../../client/drone-terminals.ts'
import { definedOf } from './environment.ts'
import { openSeenPty } from './seen-pty.ts'
import type { SeenPty } from './seen-pty.ts'

/** Terminals of people that are open at a time. */
const MOST_OPEN = 32

export interface UserTerminalsOptions {
  /** Programs begin in it. */
  readonly workspace: string
  readonly env: NodeJS.ProcessEnv
  readonly show: (shown: ShownTerminal) => DroneTerminal
}

/** [AG67] The terminals that people open beside an agent, in its workspace: a shell, or what they ask for. */
export class UserTerminals {
  readonly #options: UserTerminalsOptions
  readonly #open = new Set<SeenPty>()
  #opening = 0

  constructor(options: UserTerminalsOptions) {
    this.#options = options
  }

  async open({ chatSessionId, cols, rows, command }: TerminalRequest): Promise<DroneTerminal> {
    const { workspace, env, show } = this.#options
    if (this.#open.size + this.#opening >= MOST_OPEN)
      throw new Error(`${MOST_OPEN} terminals are open already: close one that is not needed.`)
    const shell = env['SHELL'] ?? 'sh'
    const program = { command: shell, args: command === undefined ? [] : ['-c', command] }
    this.#opening += 1
    try {
      const seen = await openSeenPty(
        { ...program, cwd: workspace, env: definedOf(env), cols, rows },
        { chatSessionId, title: command ?? shell, isTheirs: true, show },
        { onBytes: () => undefined, onExit: () => this.#open.delete(seen) },
      )
      this.#open.add(seen)
      return seen.terminal
    } finally {
      this.#opening -= 1
    }
  }

  /** The drone stops. */
  close(): void {
    for (const { pty } of this.#open) pty.kill('SIGHUP')
  }
}
