import { loadConfig } from '../../src/config.ts'
import type { OptionName } from '../../src/config.ts'
import { createRelay } from '../../src/relay.ts'
import type { Relay } from '../../src/relay.ts'
import type { Logger } from '../../src/sessions/socket-session.ts'
import { systemClock } from '../../src/turns/clock.ts'
import type { KeyKind, TurnStore } from '../../src/turns/turn-store.ts'
import type { TestStore } from './stores.ts'

/** A logger that keeps what was said, for tests that look for it. */
export class KeptLog implements Logger {
  readonly lines: { level: string; message: string; meta: object | undefined }[] = []
  log(level: string, message: string, meta?: object): void {
    this.lines.push({ level, message, meta })
  }
  debug = (message: string, meta?: object): void => this.log('debug', message, meta)
  info = (message: string, meta?: object): void => this.log('info', message, meta)
  warn = (message: string, meta?: object): void => this.log('warn', message, meta)
  error = (message: string, meta?: object): void => this.log('error', message, meta)
}

/** A relay in this process over real sockets, with a key of each kind for the user `ann`. */
export interface RunningRelay {
  readonly relay: Relay
  readonly url: string
  readonly store: TurnStore
  readonly log: KeptLog
  readonly keys: Readonly<Record<KeyKind, string>>
  /** A key for somebody else. */
  keyOf(kind: KeyKind, user: string): Promise<string>
  stop(): Promise<void>
}

export async function startRelay(
  testStore: TestStore,
  options: Partial<Record<OptionName, string>> = {},
): Promise<RunningRelay> {
  const store = await testStore.open()
  const log = new KeptLog()
  const config = loadConfig({}, { port: '0', joinEveryMs: '0', ...options })
  const relay = createRelay({ config, store, logger: log, clock: systemClock })
  const { url } = await relay.start()
  await relay.ready
  const keyOf = async (kind: KeyKind, user: string): Promise<string> =>
    (await relay.access.create(kind, user)).key
  const keys = {
    drone: await keyOf('drone', 'ann'),
    code: await keyOf('code', 'ann'),
    watch: await keyOf('watch', 'ann'),
    ops: await keyOf('ops', 'ann'),
  }
  return {
    relay,
    url,
    store,
    log,
    keys,
    keyOf,
    async stop() {
      await relay.stop()
      await store.close()
    },
  }
}
