import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Access } from '../sessions/access.ts'
import type { TurnStore } from '../turns/turn-store.ts'

const keysFile = z.object({ drone: z.string(), code: z.string(), ops: z.string() })
export type FirstKeys = z.infer<typeof keysFile>

/** The user that the first keys belong to: whoever started the relay. */
const FIRST_USER = 'local'

export function keysPath(dataDir: string): string {
  return join(dataDir, 'keys.json')
}

/** A store without keys would let nobody in: it gets one of each kind, written where only the starter can read them. */
export async function writeFirstKeys(
  store: Pick<TurnStore, 'listKeys'>,
  access: Access,
  dataDir: string,
): Promise<void> {
  const { items } = await store.listKeys({ limit: 1 })
  if (items.length > 0) return
  const keys: FirstKeys = {
    drone: (await access.create('drone', FIRST_USER, 'first start')).key,
    code: (await access.create('code', FIRST_USER, 'first start')).key,
    ops: (await access.create('ops', FIRST_USER, 'first start')).key,
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${keysPath(dataDir)}.new`
  await writeFile(draft, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 })
  await rename(draft, keysPath(dataDir))
}

/** The first keys of the relay that has its data there; undefined where they cannot be read. */
export async function readFirstKeys(dataDir: string): Promise<FirstKeys | undefined> {
  try {
    return keysFile.parse(JSON.parse(await readFile(keysPath(dataDir), 'utf8')))
  } catch {
    return undefined
  }
}
