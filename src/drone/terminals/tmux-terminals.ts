import type { DroneTerminal, ShownTerminal } from '../../client/drone-terminal.ts'
import type { Logger } from '../logger.ts'
import { definedOf } from './environment.ts'
import { showPty } from './seen-pty.ts'
import { openTmux } from './tmux.ts'

/** As wide as people read logs, until somebody sizes it. */
const SIZE = { cols: 120, rows: 30 } as const
/** Chat sessions that have it at a time. */
const MOST_SHOWN = 32

export interface TmuxTerminalsOptions {
  /** Of the tmux session. */
  readonly session: string
  /** Of tmux itself, as `-L name`. */
  readonly flags?: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly show: (shown: ShownTerminal) => DroneTerminal
  /** Whether people may type into it. */
  readonly isTheirs: boolean
  readonly logger: Logger
}

/** [AG68] A tmux session that was there before the drone, beside each chat session that it works for. */
export class TmuxTerminals {
  readonly #options: TmuxTerminalsOptions
  /** The chat sessions that have it, with what ends that. */
  readonly #shown = new Map<string, () => void>()

  constructor(options: TmuxTerminalsOptions) {
    this.#options = options
  }

  /** The drone works for a chat session. */
  async worksFor(chatSessionId: string): Promise<void> {
    const { session, flags = [], env, show, isTheirs, logger } = this.#options
    if (this.#shown.has(chatSessionId) || this.#shown.size >= MOST_SHOWN) return
    this.#shown.set(chatSessionId, () => undefined)
    try {
      const { pty } = await showPty(
        (listener) => openTmux({ session, flags, env: definedOf(env), ...SIZE }, listener),
        SIZE,
        { chatSessionId, title: `tmux ${session}`, isTheirs, show },
        { onBytes: () => undefined, onExit: () => this.#shown.delete(chatSessionId) },
      )
      this.#shown.set(chatSessionId, () => pty.kill('SIGHUP'))
    } catch (error) {
      this.#shown.delete(chatSessionId)
      logger.warn(`The tmux session ${session} cannot be shown: ${String(error)}`)
    }
  }

  /** The drone stops; the tmux session goes on. */
  close(): void {
    for (const end of this.#shown.values()) end()
  }
}
