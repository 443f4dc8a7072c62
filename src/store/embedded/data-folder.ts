import { chmod, mkdir, open, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { StoreConfigError } from '../store-config-error.ts'

/** Only the relay's own user may read what users say. */
const PRIVATE = 0o700

/** Makes what is missing of the data folder; the file's own folder within it is made private in any case. */
export async function openDataFolder(dataDir: string): Promise<{ dataDir: string; storeDir: string }> {
  try {
    await makeFolder(dataDir)
    const path = await realpath(dataDir)
    const storeDir = join(path, 'store')
    await makeFolder(storeDir)
    await chmod(storeDir, PRIVATE)
    return { dataDir: path, storeDir }
  } catch (cause) {
    throw new StoreConfigError(`The data folder ${dataDir} cannot be used: ${reasonOf(cause)}.`, { cause })
  }
}

/** Not `recursive`: with that, Node 20 never returns from a place like /proc, where nobody can make a folder. */
async function makeFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return
  const parent = dirname(resolve(path))
  if (parent !== resolve(path)) await makeFolder(parent)
  await mkdir(path, { mode: PRIVATE })
}

/** What an LMDB file has at byte 24 of its first page, in the machine's own order: little-endian wherever Node runs. */
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24

/** Refuses a file that is something else: LMDB would map it, believe it and crash. */
export async function checkDataFile(path: string): Promise<void> {
  const file = await open(path).catch(() => undefined)
  if (!file) return
  try {
    const start = Buffer.alloc(MAGIC_AT + 4)
    const { bytesRead } = await file.read(start, 0, start.length, 0)
    if (bytesRead === 0 || (bytesRead === start.length && start.readUInt32LE(MAGIC_AT) === MAGIC)) return
    throw new StoreConfigError(
      `${path} is damaged, or not a file of ours: move it away, or choose another data folder.`,
    )
  } finally {
    await file.close()
  }
}

export function reasonOf(cause: unknown): string {
  return cause instanceof Error
    ? (cause.message.split('\n')[0]?.replace(/\.$/, '') ?? cause.name)
    : String(cause)
}
