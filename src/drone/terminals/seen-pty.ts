import type { DroneTerminal, ShownTerminal } from '../../client/drone-terminal.ts'
import { openPty } from './pty.ts'
import type { Pty, PtyListener, PtyOptions } from './pty.ts'
import { Screen } from './screen.ts'

/** Bytes of a program that are on their way to its screen and to the relay: from there on it waits. */
const MOST_PENDING_BYTES = 262_144
/** ms a program gets to end by itself when somebody closes its terminal. */
const CLOSE_MS = 2000

/** What people are told of a terminal, and may do. */
export interface Seen {
  readonly chatSessionId: string
  readonly title: string
  /** Whether people may type into it, size it and close it. */
  readonly isTheirs: boolean
  readonly terminalId?: string
  /** Shows it: `DroneClient.openTerminal`. */
  readonly show: (shown: ShownTerminal) => DroneTerminal
}

export interface SeenPty {
  readonly pty: Pty
  readonly terminal: DroneTerminal
}

/** [AG67] Runs a program in a terminal that people see: what it says goes to `listener`, and to whoever watches. */
export function openSeenPty(options: PtyOptions, seen: Seen, listener: PtyListener): Promise<SeenPty> {
  return showPty((heard) => openPty(options, heard), options, seen, listener)
}

/** As `openSeenPty`, whatever `open` opens. */
export async function showPty(
  open: (listener: PtyListener) => Promise<Pty>,
  { cols, rows }: Pick<PtyOptions, 'cols' | 'rows'>,
  seen: Seen,
  listener: PtyListener,
): Promise<SeenPty> {
  const { show, isTheirs, ...told } = seen
  const screen = new Screen({ cols, rows })
  let pending = 0
  let hasExited = false
  const taken = (count: number): void => {
    pending -= count
    if (pending <= MOST_PENDING_BYTES / 2) pty.setReading(true)
  }
  const pty = await open({
    onBytes: (bytes) => {
      listener.onBytes(bytes)
      pending += bytes.length
      if (pending > MOST_PENDING_BYTES) pty.setReading(false)
      void Promise.all([screen.write(bytes), terminal.write(bytes)]).then(() => taken(bytes.length))
    },
    onExit: (exit) => {
      hasExited = true
      listener.onExit(exit)
      terminal.exited(exit.exitCode)
    },
  })
  const terminal = show({
    ...told,
    cols,
    rows,
    readOnly: !isTheirs || !pty.isTerminal,
    draw: () => screen.draw(),
    ...(isTheirs && {
      onInput: (bytes) => pty.write(bytes),
      onResize: (size) => {
        pty.resize(size.cols, size.rows)
        screen.resize(size.cols, size.rows)
        terminal.resized(size)
      },
      onClose: () => {
        pty.kill('SIGHUP')
        const timer = setTimeout(() => {
          if (!hasExited) pty.kill('SIGKILL')
        }, CLOSE_MS)
        timer.unref()
      },
    }),
  })
  return { pty, terminal }
}
