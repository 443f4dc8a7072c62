import { unlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { nameHash } from '../name-hash.ts'
import { StoreConfigError } from '../store-config-error.ts'

/** Bytes that a socket's path may have on every system that has them (104 on macOS, 108 on Linux, with the end mark). */
const MAX_PATH_BYTES = 103

/** Times to try: once, and again when a dead process' socket was in the way, and once more when another did the same. */
const TRIES = 3

/**
 * [ST10] One process per data folder: it listens on a socket in there, and whoever can connect to it knows that the
 * folder is in use. The kernel closes the socket with the process however that ends, so a kill leaves at most a file
 * that nobody answers; no process id that a later process, or one in another container, may have too.
 *
 * Two that clear away the same dead file at the same moment could both get it; then WriteGate's token stops the first.
 */
export class DirLock {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async take(dataDir: string): Promise<DirLock> {
    const path = socketPath(dataDir)
    for (let tries = 0; tries < TRIES; tries++) {
      const server = await listen(path)
      if (server) return new DirLock(server)
      if (await isAnswered(path)) break
      await unlink(path).catch(() => {})
    }
    throw new StoreConfigError(
      `The data folder ${dataDir} is in use by another process: stop it, or choose another folder.`,
    )
  }

  async release(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function socketPath(dataDir: string): string {
  // Named pipes end with their process, and are not files.
  if (process.platform === 'win32') return `\\\\.\\pipe\\drone-relay-${nameHash(dataDir)}`
  const path = join(dataDir, 'lock.sock')
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path
  throw new StoreConfigError(
    `The path of the data folder ${dataDir} is too long for a lock: choose a shorter one.`,
  )
}

/** Undefined where there is such a socket already. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(path, () => resolve(server))
  })
}

/** Only a refused connection proves that nobody is there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}
