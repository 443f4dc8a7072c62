// Runs a command with MONGODB_URI pointing at a FerretDB of its own:
//   node --import tsx scripts/services/with-ferretdb.ts -- npm test
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { startFerretdb } from './ferretdb.ts'

/** What shells add to a signal's number to make a status of it. */
const SIGNALLED = 128
/** What shells answer for a command that does not exist. */
const NOT_FOUND = 127

const args = process.argv.slice(2)
const [command, ...rest] = args[0] === '--' ? args.slice(1) : args
if (command === undefined) {
  console.error('with-ferretdb: name the command to run, as in: with-ferretdb.ts -- npm test')
  process.exitCode = 2
} else {
  process.exitCode = await run(command, rest)
}

async function run(command: string, args: string[]): Promise<number> {
  const database = await startFerretdb()
  const env = { ...process.env, MONGODB_URI: database.uri }
  const child = spawn(command, args, { stdio: 'inherit', env })
  const forward = (signal: NodeJS.Signals): void => {
    // A terminal has sent its Ctrl-C to the command too; a second one would cut its clean-up short.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward)
  try {
    return await new Promise<number>((resolve) => {
      child.once('error', (error) => {
        console.error(`with-ferretdb: cannot run ${command}: ${error.message}`)
        resolve(NOT_FOUND)
      })
      child.once('exit', (code, signal) =>
        resolve(code ?? SIGNALLED + constants.signals[signal ?? 'SIGTERM']),
      )
    })
  } finally {
    await database.stop()
  }
}
