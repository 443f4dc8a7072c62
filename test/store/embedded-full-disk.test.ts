import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { DataFile } from '../../src/store/embedded/data-file.ts'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { DiskRoom, growthOf } from '../../src/store/embedded/disk-room.ts'
import { TurnTable } from '../../src/store/embedded/turn-table.ts'
import { WriteGate } from '../../src/store/embedded/write-gate.ts'
import { SILENT } from '../../src/store/store-logger.ts'
import type { FlushBatch, TurnHeader, TurnStore } from '../../src/turns/turn-store.ts'
import { acted } from '../support/acted.ts'
import { SmallDisk, smallDisksExist } from '../support/small-disk.ts'
import { aTurn, batchOf, existing, say, textOf, wordsOf } from '../support/store-turns.ts'
import { until } from '../support/until.ts'

const DISK_BYTES = 8 * 1024 * 1024
/** Has room for the largest commit, and is no ample disk. */
const LARGER_BYTES = 256 * 1024 * 1024
const TURNS = 200
/** Units of one commit: many pages, so that a disk which fills up during it is met by one of them. */
const COMMIT_UNITS = 150_000
/** Without room made beforehand, every other round fails. */
const ROUNDS = 10
const HEALED_MS = 5000

if (smallDisksExist())
  describe('the embedded store on a small disk', () => {
    let disk: SmallDisk

    beforeEach(() => {
      disk = mounted(DISK_BYTES)
    })
    afterEach(() => disk.remove())

    /** Commits until a commit is refused, and answers what was said and the batch that has to be given again. */
    async function writeUntilRefused(store: TurnStore): Promise<{ said: string; refused: FlushBatch }> {
      const { turnId } = await store.insertTurn(aTurn({ status: 'processing' }))
      for (let said = '', n = 0; ; n++) {
        const text = `${n};`.padEnd(COMMIT_UNITS, 'x')
        const refused = batchOf(await existing(store, turnId), [{ entries: [say(text)] }])
        const error: { code?: string } | undefined = await store.commit([refused]).then(
          () => undefined,
          (reason: { code?: string }) => reason,
        )
        if (error) {
          expect(error.code).to.equal('store_unavailable')
          return { said, refused }
        }
        said += text
      }
    }

    it('[ST19] meets no full disk in a commit, though others fill it at any moment', async function () {
      this.timeout(20_000)
      for (let round = 0; round < ROUNDS; round++) {
        const errors: string[] = []
        const logger = { ...SILENT, error: (message: string) => errors.push(message) }
        const dataDir = join(disk.path, String(round))
        const store = await openEmbeddedStore({ dataDir, logger })
        const writing = writeUntilRefused(store)
        await disk.fill()
        const { said, refused } = await writing
        const text = async (): Promise<string> =>
          textOf(await wordsOf(store, await existing(store, 'turn-1')))
        expect((await text()) === said, 'all that was acknowledged is read').to.equal(true)
        await disk.empty()
        expect(await store.commit([refused])).to.deep.equal(['committed'])
        expect((await text()).length).to.equal(said.length + COMMIT_UNITS)
        expect(errors).to.deep.equal([])
        await store.close()
        await rm(dataDir, { recursive: true })
      }
    })

    it(`[ST19] has room for a commit of ${TURNS} turns before it is made, and the estimate is never too small`, async () => {
      disk.remove()
      disk = mounted(LARGER_BYTES)
      const place = { folder: disk.path, file: join(disk.path, 'data.mdb') }
      const file = await DataFile.open(place)
      const turns = new TurnTable(file)
      const room = new DiskRoom(place)
      const headers: TurnHeader[] = []
      await acted(file, () => {
        for (let n = 0; n < TURNS; n++) headers.push(turns.insert(aTurn({ turnId: `turn-${n}` })))
      })
      const commits = [
        [''.padEnd(65_536, 'é')],
        Array.from({ length: 40 }, () => 'word '),
        // So often that the journal gets long, and is shortened.
        ...Array.from({ length: 600 }, () => ['word ']),
        [''.padEnd(2100, '字')],
      ]
      for (const texts of commits) {
        const batches: FlushBatch[] = headers.map((header) =>
          batchOf(header, [{ entries: texts.map((t) => say(t)) }]),
        )
        const { used } = file
        const size = file.journal.sizeOf(batches)
        expect(await room.reserve(size, used)).to.equal(true)
        const length = (await stat(place.file)).size
        await acted(file, () => turns.commit(batches))
        expect((await stat(place.file)).size, 'LMDB has not lengthened the file itself').to.equal(length)
        const grown = (file.used.pages - used.pages) * used.pageBytes
        expect(grown).to.be.at.most(growthOf(size, used))
        headers.splice(0, TURNS, ...headers.map(({ turnId }) => turns.read(turnId) ?? aTurn()))
      }
      await file.close()
    }).timeout(60_000)

    it('[ST18] heals after LMDB has met a full disk all the same', async () => {
      const place = { folder: disk.path, file: join(disk.path, 'data.mdb') }
      const file = await DataFile.open(place)
      const turns = new TurnTable(file)
      const room = { isEnough: () => true, reserve: async () => true }
      const gate = new WriteGate({ file, room, logger: SILENT, now: () => performance.now() })
      const header = await gate.write(() => turns.insert(aTurn()))
      const batch = batchOf(header, [{ entries: [say('y'.repeat(COMMIT_UNITS))] }])
      await disk.fill()
      const refusal: { code?: string } = await gate.write(() => turns.commit([batch])).catch((error) => error)
      expect(refusal.code).to.equal('store_unavailable')
      await file.whenOpen()
      expect(turns.read('turn-1')?.version, 'it is read, and nothing of the batch').to.equal(0)
      await disk.empty()
      await until('it is written again', HEALED_MS, () =>
        gate
          .write(() => turns.commit([batch]))
          .then(
            () => true,
            () => false,
          ),
      )
      expect(turns.read('turn-1')?.version).to.equal(1)
      await gate.close()
      await file.close()
    })
  })

function mounted(bytes: number): SmallDisk {
  const disk = SmallDisk.mount(bytes)
  if (!disk) throw new Error('the disk could not be mounted')
  return disk
}
