/** The relay of a chaos run: built as `drone-relay serve` does, with places at which it can be killed. */
import { writeFirstKeys } from '../../src/cli/first-keys.ts'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/log.ts'
import { createRelay } from '../../src/relay.ts'
import { systemClock } from '../../src/turns/clock.ts'
import type { TurnStore } from '../../src/turns/turn-store.ts'
import { Failpoints } from './failpoints.ts'
import type { Arming } from './failpoints.ts'
import { Random } from './random.ts'
import type { RelayReport } from './relay-host.ts'
import { sabotage } from './sabotage.ts'
import type { Control } from './sabotage.ts'

const { env } = process
const config = loadConfig(env)
const logger = createLogger({ level: config.logLevel, json: true })

async function openStore(): Promise<TurnStore> {
  if (config.mongodbUri !== '') {
    const { openMongoStore } = await import('../../src/store/mongo/mongo-store.ts')
    return openMongoStore({ uri: config.mongodbUri, logger })
  }
  const { openEmbeddedStore } = await import('../../src/store/embedded/embedded-store.ts')
  return openEmbeddedStore({ dataDir: config.dataDir, logger })
}

function withFailpoints(store: TurnStore): TurnStore {
  if (env['CHAOS_FAILPOINTS'] !== '1') return store
  const failpoints = new Failpoints(String(env['CHAOS_GAUGE']))
  failpoints.wrapClasses({
    random: new Random(process.pid),
    dropped: Number(env['CHAOS_DROPPED'] ?? 0),
    repeated: Number(env['CHAOS_REPEATED'] ?? 0),
  })
  process.on('message', (arming: Arming) => failpoints.arm(arming))
  return failpoints.aroundStore(store)
}

function report(line: RelayReport): void {
  if (process.connected) process.send?.(line)
}

process.once('disconnect', () => process.exit(0))
const opened = await openStore()
// The failpoints lie around the sabotage: a relay that freezes before a commit has not looked at the store for it yet.
const store = withFailpoints(sabotage(opened, env['CHAOS_CONTROL'] as Control | undefined))
const prepare: Parameters<typeof createRelay>[0]['prepare'] = (access) =>
  writeFirstKeys(opened, access, config.dataDir)
const relay = createRelay({ config, store, logger, clock: systemClock, prepare })
process.once('SIGTERM', () => {
  void relay
    .stop()
    .then(() => opened.close())
    .then(() => process.exit(0))
})
await relay.start()
report({ is: 'listening', at: Date.now() })
await relay.ready
report({ is: 'ready', at: Date.now() })
