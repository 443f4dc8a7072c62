import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { dataDir } from './data-dir.ts'
import { startService } from './service.ts'

export interface RedisOptions {
  /** Folder of the data, kept on stop. Default: a temporary one, removed on stop. */
  dir?: string
  /** Default: a free one. */
  port?: number
  /** Keep every write across a crash (append-only file, synced each time). Default: false, nothing is kept. */
  persist?: boolean
}

export interface Redis {
  uri: string
  port: number
  pid: number
  dir: string
  /** Ends it and removes a temporary folder; also removes that folder after `kill`. */
  stop: () => Promise<void>
  /** SIGKILL. What was persisted stays, for a start on the same `dir` and `port`. */
  kill: () => Promise<void>
}

export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const data = await dataDir('redis', options.dir)
  const port = options.port ?? (await freePort())
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: data.dir,
    save: '',
    appendonly: options.persist ? 'yes' : 'no',
    appendfsync: 'always',
  }
  try {
    const service = await startService({
      name: 'Redis',
      command: 'redis-server',
      args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      ifMissing: 'Install redis-server (on Debian: apt-get install redis-server).',
      ready: (line) => (line.includes('Ready to accept connections') ? true : undefined),
    })
    return {
      uri: `redis://127.0.0.1:${port}`,
      port,
      pid: service.pid,
      dir: data.dir,
      stop: () => service.stop().then(data.remove),
      kill: service.kill,
    }
  } catch (error) {
    await data.remove()
    throw error
  }
}

/** Redis takes port 0 for "no port", so a free one is found for it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
