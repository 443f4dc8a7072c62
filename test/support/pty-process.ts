import { openPty } from '../../src/drone/terminals/pty.ts'

/** A process that runs a program in a terminal, and says what that says: a drone in small, to be killed. */
const args = ['-c', 'echo $PPID $$; sleep 1000']
const env = { PATH: process.env['PATH'] ?? '' }
const onBytes = (bytes: Buffer): void => void process.stdout.write(bytes)
await openPty(
  { command: 'sh', args, cwd: '/', env, cols: 80, rows: 24 },
  { onBytes, onExit: () => undefined },
)
