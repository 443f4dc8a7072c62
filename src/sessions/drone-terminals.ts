import type { droneUp } from '../protocol/drone-up.ts'
import type { Handlers } from './socket-session.ts'
import type { TerminalOwner, Terminals } from './terminals.ts'

type TerminalEvent =
  'terminal:opened' | 'terminal:data' | 'terminal:resized' | 'terminal:snapshot' | 'terminal:exited'

/** What a drone says of its terminals. Each is acknowledged when it is taken: a drone sends only so much ahead of that. */
export function terminalHandlers(
  terminals: Terminals,
  owner: TerminalOwner,
): Pick<Handlers<typeof droneUp>, TerminalEvent> {
  return {
    'terminal:opened': (opened) => terminals.opened(owner, opened),
    'terminal:data': ({ terminalId, offset }, bytes) => terminals.data(owner, terminalId, offset, bytes),
    'terminal:resized': ({ terminalId, ...resize }) => terminals.resized(owner, terminalId, resize),
    'terminal:snapshot': ({ terminalId, ...snapshot }) => terminals.snapshot(owner, terminalId, snapshot),
    'terminal:exited': ({ terminalId, exitCode }) => terminals.exited(owner, terminalId, exitCode ?? null),
  }
}
