import { fileURLToPath } from 'node:url'
import { DroneClient } from '../../src/client/drone-client.ts'

const PIECES = 300

/** All that it says in its one turn. */
export const LAST_WORDS = Array.from({ length: PIECES }, (_, n) => `last word ${n} 🎉 `).join('')

/**
 * A drone in a process of its own that waits for SIGUSR2 when it has its order, and then says all it has, completes, stops
 * and exits in one go: `node last-words.js <url> <key> <state folder>`.
 */
function lastWords([url = '', token = '', stateDir = '']: readonly string[]): void {
  const client = new DroneClient({
    url,
    token,
    registration: { name: 'last', hostname: 'box', workspaceId: 'w' },
    stateDir,
    onWorkOrder: (work) =>
      new Promise((resolve) => {
        process.once('SIGUSR2', () => {
          for (let n = 0; n < PIECES; n++) void work.response(`last word ${n} 🎉 `)
          void work.complete(true)
          void client.stop('it is over').then(() => process.exit(0))
          tell('stopping')
          resolve()
        })
        tell('ready')
      }),
    onConnected: () => tell('connected'),
  })
  void client.start()
}

function tell(event: string): void {
  process.stdout.write(`${JSON.stringify({ event })}\n`)
}

// Tests import what it says; only as a process of its own it is a drone.
if (process.argv[1] === fileURLToPath(import.meta.url)) lastWords(process.argv.slice(2))
