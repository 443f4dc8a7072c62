import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { ConfigError, loadConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../log.ts'
import { createRelay } from '../relay.ts'
import type { Logger } from '../sessions/socket-session.ts'
import { StoreConfigError } from '../store/store-config-error.ts'
import { systemClock } from '../turns/clock.ts'
import type { TurnStore } from '../turns/turn-store.ts'
import { EXIT, ExitError, untilStopped } from './exit.ts'
import { keysPath, readFirstKeys, writeFirstKeys } from './first-keys.ts'
import { selfArgs } from './self.ts'
import type { ServeFlags } from './serve.ts'

export async function serve(flags: ServeFlags): Promise<void> {
  const config = readConfig(flags)
  const logger = createLogger({ level: config.logLevel, json: flags.json === true || !process.stderr.isTTY })
  const store = await openStore(config, logger)
  const relay = createRelay({
    config,
    store,
    logger,
    clock: systemClock,
    prepare: (access) => writeFirstKeys(store, access, config.dataDir),
  })
  const stopped = untilStopped()
  const { url } = await relay.start().catch(async (error: NodeJS.ErrnoException) => {
    await store.close()
    throw new ExitError(EXIT.usage, cannotListen(config, error))
  })
  let drone: ChildProcess | undefined
  const announce = async (): Promise<void> => {
    await relay.ready
    tellAddress(url, config, flags)
    if (flags.demoDrone) drone = await startDemoDrone(url, config)
  }
  announce().catch((error: unknown) => logger.error('The start was not completed.', { error }))
  const signal = await stopped
  logger.info('The relay stops.', { signal })
  drone?.kill('SIGTERM')
  await relay.stop()
  await store.close()
  // Whatever keeps the drone from ending, the channel that closes with this process ends it.
  if (drone?.connected) drone.disconnect()
  drone?.unref()
  process.exitCode = signal === 'SIGINT' ? EXIT.sigint : EXIT.sigterm
}

function readConfig(flags: ServeFlags): Config {
  try {
    return loadConfig(process.env, flags)
  } catch (error) {
    if (error instanceof ConfigError) throw new ExitError(EXIT.usage, error.message)
    throw error
  }
}

async function openStore(config: Config, logger: Logger): Promise<TurnStore> {
  try {
    if (config.mongodbUri !== '') {
      const { openMongoStore } = await import('../store/mongo/mongo-store.ts')
      return await openMongoStore({ uri: config.mongodbUri, logger })
    }
    const { openEmbeddedStore } = await import('../store/embedded/embedded-store.ts')
    return await openEmbeddedStore({ dataDir: config.dataDir, logger })
  } catch (error) {
    if (error instanceof StoreConfigError) throw new ExitError(EXIT.usage, error.message)
    throw error
  }
}

function cannotListen({ host, port }: Config, { code, message }: NodeJS.ErrnoException): string {
  const place = `${host}:${port}`
  if (code === 'EADDRINUSE')
    return `${place} is taken: stop what listens there, or choose another PORT (0 picks a free one).`
  if (code === 'EACCES') return `${place} may not be listened on: choose a PORT above 1023.`
  return `The relay cannot listen on ${place}: ${message}`
}

function tellAddress(url: string, config: Config, flags: ServeFlags): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ url, keys: keysPath(config.dataDir) })}\n`)
    return
  }
  const peer = `--url ${url} --data-dir ${config.dataDir}`
  process.stdout.write(
    [
      '',
      `The relay takes work at ${url}`,
      `  keys      ${keysPath(config.dataDir)}`,
      `  talk      npx drone-relay chat "what is in this folder?" ${peer}`,
      `  watch     npx drone-relay watch ${peer}`,
      ...(flags.demoDrone ? [] : [`  a drone   npx drone-relay drone --agent demo ${peer}`]),
      '',
      '',
    ].join('\n'),
  )
}

async function startDemoDrone(url: string, { dataDir }: Config): Promise<ChildProcess> {
  const keys = await readFirstKeys(dataDir)
  if (!keys)
    throw new Error(`There is no keys.json in ${dataDir}: the demo drone has no key to come in with.`)
  const args = selfArgs('drone', '--agent', 'demo', '--url', url, '--data-dir', dataDir)
  const env = { ...process.env, RELAY_KEY: keys.drone }
  return spawn(process.execPath, args, {
    // The channel says nothing: when it closes, however this process ended, the drone ends too.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env,
  })
}
