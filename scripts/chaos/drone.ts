/** A drone process of a chaos run: our SDK, a scripted agent, and a journal of everything it says. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { DroneClient } from '../../src/client/drone-client.ts'
import { Outbox } from '../../src/client/outbox.ts'
import type { Work } from '../../src/client/work.ts'
import type { DroneOrders, DroneReport } from './drone-host.ts'
import { JournalWriter } from './journal.ts'
import { wrap } from './patch.ts'
import { Script } from './script.ts'
import { MAIN } from './words.ts'
import type { Saying } from './words.ts'

const orders = JSON.parse(process.env['CHAOS_DRONE'] ?? '{}') as DroneOrders
const { url, token, droneId, stateDir, journalDir, seed, pace, capacity } = orders
const journals = new WeakMap<Outbox, JournalWriter>()
let isReconnecting = false
let isAcknowledged = true

function report(line: DroneReport): void {
  if (process.connected) process.send?.(line)
}

/** What the relay says is stored is a promise: the checker holds it to that. */
function hearCheckpoints(): void {
  wrap(Outbox.prototype, 'checkpoint', (outbox, args, original) => {
    journals.get(outbox)?.stored(...args)
    if (!isReconnecting && !isAcknowledged) {
      isAcknowledged = true
      report({ is: 'acknowledged', at: Date.now() })
    }
    original(...args)
  })
  wrap(Outbox.prototype, 'reconnect', (_outbox, args, original) => {
    isReconnecting = true
    try {
      return original(...args)
    } finally {
      isReconnecting = false
    }
  })
}

function say(work: Work, lane: string, saying: Saying): Promise<void> {
  const place = lane === MAIN ? {} : { lane }
  switch (saying.kind) {
    case 'text':
      return saying.mode === 'thinking'
        ? work.thinking(saying.text, place)
        : work.response(saying.text, place)
    case 'call':
      return work.toolCall({ ...saying, ...place })
    case 'result':
      return work.toolResult({ ...saying, ...place })
  }
}

async function work(order: Work): Promise<void> {
  const { turnId, attempt } = order.order
  const speaker = randomBytes(3).toString('hex')
  const journal = new JournalWriter(journalDir, { turnId, attempt, speaker, droneId, beganAt: Date.now() })
  const { outbox } = order as Work & { outbox?: Outbox }
  if (!outbox) throw new Error('a work has no outbox: the journal cannot hear its checkpoints')
  journals.set(outbox, journal)
  order.onSteer(({ messageId }) => {
    journal.steered(messageId)
    return 'now'
  })
  const script = new Script({ seed: `${seed}/${turnId}/${attempt}`, attempt, speaker, pace })
  try {
    for (const step of script.steps()) {
      if (order.signal.aborted) return
      if (step.do === 'pause') await sleep(step.ms)
      else if (step.do === 'say') {
        journal.said(step.lane, step.saying)
        await say(order, step.lane, step.saying)
      } else {
        journal.end(step.success)
        await order.complete(step.success, step.success ? undefined : 'The script has it fail.')
      }
    }
  } finally {
    // The handler may be done and the outbox not: only what is over for the SDK is over here.
    journal.over(order.signal.aborted ? String(order.signal.reason) : 'returned')
  }
}

hearCheckpoints()
process.once('disconnect', () => process.exit(0))
const client = new DroneClient({
  url,
  token,
  registration: { name: droneId, hostname: hostname(), workspaceId: 'chaos', droneId, capacity },
  stateDir,
  onWorkOrder: work,
  onConnected: () => {
    // A drone that has no turn has nothing to be acknowledged.
    isAcknowledged = client.turns.length === 0
    report({ is: 'up', at: Date.now() })
  },
  onDisconnected: () => report({ is: 'down', at: Date.now() }),
  onFinal: ({ code, message }) => report({ is: 'final', at: Date.now(), why: `${code}: ${message}` }),
})
await client.start()
report({ is: 'begun', at: Date.now() })
