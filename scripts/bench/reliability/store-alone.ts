import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mongo } from 'mongoose'
import { spreadOf } from './crew.ts'
import type { Spread } from './crew.ts'
import { inBatches } from '../in-batches.ts'

/** About what a header with some open words takes. */
const FILLER_BYTES = 500
const UPSERTS = 300
const AT_ONCE = 20
/** About what LMDB writes in one commit of some turns. */
const COMMIT_BYTES = 64 * 1024
const SYNCS = 300

export interface UpsertTimes {
  readonly single: Spread
  readonly together: Spread
  readonly togetherPerSecond: number
}

/** The database alone, through the plain driver: what no relay before it can be faster than. */
export async function timeUpserts(uri: string): Promise<UpsertTimes> {
  const client = await mongo.MongoClient.connect(uri, { retryWrites: false })
  try {
    const collection = client.db(`upserts_${process.pid}`).collection<{ _id: string }>('upserts')
    const filler = 'x'.repeat(FILLER_BYTES)
    const upsert = async (): Promise<number> => {
      const startedAt = performance.now()
      const options = { upsert: true, writeConcern: { w: 'majority', journal: true } } as const
      await collection.updateOne({ _id: randomUUID() }, { $set: { version: 1, filler } }, options)
      return performance.now() - startedAt
    }
    await inBatches(AT_ONCE, AT_ONCE * 2, upsert)
    const single = await inBatches(1, UPSERTS, upsert)
    const startedAt = performance.now()
    const together = await inBatches(AT_ONCE, UPSERTS, upsert)
    const togetherPerSecond = (UPSERTS / (performance.now() - startedAt)) * 1000
    await client.db(`upserts_${process.pid}`).dropDatabase()
    return { single: spreadOf(single), together: spreadOf(together), togetherPerSecond }
  } finally {
    await client.close()
  }
}

/** The disk alone: no commit of LMDB can be faster than this. */
export async function timeSyncs(folder: string): Promise<Spread> {
  const path = join(folder, 'sync-probe')
  const file = await open(path, 'w')
  try {
    const bytes = Buffer.alloc(COMMIT_BYTES, 1)
    const sync = async (index: number): Promise<number> => {
      await file.write(bytes, 0, bytes.length, (index % AT_ONCE) * bytes.length)
      const startedAt = performance.now()
      await file.datasync()
      return performance.now() - startedAt
    }
    return spreadOf(await inBatches(1, SYNCS, sync))
  } finally {
    await file.close()
    await rm(path)
  }
}
