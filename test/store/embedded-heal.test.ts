import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { DataFile } from '../../src/store/embedded/data-file.ts'
import { DiskRoom } from '../../src/store/embedded/disk-room.ts'
import type { Tables } from '../../src/store/embedded/tables.ts'
import { TurnTable } from '../../src/store/embedded/turn-table.ts'
import { WriteGate } from '../../src/store/embedded/write-gate.ts'
import { SILENT } from '../../src/store/store-logger.ts'
import { aTurn, batchOf, say } from '../support/store-turns.ts'
import { tempDir } from '../support/temp-dir.ts'

describe('the data file', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let place: { folder: string; file: string }

  beforeEach(async () => {
    dir = await tempDir('heal')
    place = { folder: dir.path, file: join(dir.path, 'data.mdb') }
  })
  afterEach(() => dir.remove())

  it('[ST18] is opened anew after a failed commit, with all that was acknowledged, and takes the same batch again', async () => {
    const file = await DataFile.open(place)
    const turns = new TurnTable(file)
    let now = 0
    let fails = false
    const failing = {
      get tables(): Tables {
        const { root } = file.tables
        const transaction = (action: () => unknown): Promise<unknown> =>
          // What LMDB does: the actions are undone, and the commit is told to have failed.
          fails ? Promise.reject(new Error('Input/output error')) : root.transaction(action)
        return {
          ...file.tables,
          root: { transaction, transactionSync: root.transactionSync.bind(root) } as never,
        }
      },
      get journal() {
        return file.journal
      },
      get used() {
        return file.used
      },
      whenOpen: () => file.whenOpen(),
      renew: () => file.renew(),
    }
    const room = new DiskRoom(place)
    const gate = new WriteGate({ file: failing, room, logger: SILENT, now: () => now })
    const header = await gate.write(() => turns.insert(aTurn()))
    const batch = batchOf(header, [{ entries: [say('words')] }])
    fails = true
    const before = file.tables
    const refusal: { code?: string } = await gate.write(() => turns.commit([batch])).catch((error) => error)
    expect(refusal.code).to.equal('store_unavailable')
    await file.whenOpen()
    expect(file.tables, 'other tables of the same file').to.not.equal(before)
    expect(turns.read('turn-1')?.version).to.equal(0)
    fails = false
    now += 60_000
    expect(await gate.write(() => turns.commit([batch]))).to.deep.equal(['committed'])
    expect(await gate.write(() => turns.commit([batch])), 'and once more').to.deep.equal(['committed'])
    expect(turns.read('turn-1')?.version).to.equal(1)
    await gate.close()
    await file.close()
  })

  it('[ST18] makes those who read wait while it is opened anew', async () => {
    const file = await DataFile.open(place)
    const renewing = file.renew()
    expect(() => file.tables).to.throw(/not open/)
    expect(file.whenOpen(), 'the same wait').to.be.instanceOf(Promise)
    await renewing
    expect(file.whenOpen()).to.equal(undefined)
    await file.close()
    expect(() => file.whenOpen()).to.throw(/closed/)
  })

  it('[ST19] refuses what would leave less free than is to stay free, before anything is written', async () => {
    const file = await DataFile.open(place)
    const room = new DiskRoom({ ...place, minFreeBytes: 1 })
    const before = (await stat(place.file)).size
    const more = { places: 1, bytes: 2 ** 55 }
    expect(await room.reserve(more, file.used)).to.equal(false)
    expect((await stat(place.file)).size).to.equal(before)
    expect(await room.reserve({ places: 1, bytes: 1 }, file.used)).to.equal(true)
    await file.close()
  })

  it('[ST9] refuses writes with `store_unavailable` while its folder is not to be found', async () => {
    const room = new DiskRoom({ folder: join(dir.path, 'gone'), file: join(dir.path, 'gone', 'data.mdb') })
    const file = await DataFile.open(place)
    const gate = new WriteGate({ file, room, logger: SILENT, now: () => 0 })
    const refusal: { code?: string } = await gate.write(() => undefined).catch((error) => error)
    expect(refusal.code).to.equal('store_unavailable')
    await gate.close()
    await file.close()
  })
})
