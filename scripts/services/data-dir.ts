import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DataDir {
  dir: string
  /** Removes the folder if it was made here; one that the caller named is the caller's. */
  remove: () => Promise<void>
}

export async function dataDir(name: string, given?: string): Promise<DataDir> {
  if (given !== undefined) return { dir: given, remove: async () => {} }
  const dir = await mkdtemp(join(tmpdir(), `drone-relay-${name}-`))
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
