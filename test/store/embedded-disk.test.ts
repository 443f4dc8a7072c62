import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { StoreConfigError } from '../../src/store/store-config-error.ts'
import { aTurn, batchOf, committed, say, textOf, wordsOf } from '../support/store-turns.ts'

/** More than any disk has free. */
const MORE_THAN_THERE_IS = 2 ** 60

async function failure(call: Promise<unknown>): Promise<{ name: string; code: string; message: string }> {
  return call.then(
    () => ({ name: 'none', code: 'none', message: 'it succeeded' }),
    (error: { name: string; code: string; message: string }) => error,
  )
}

describe('the data folder', () => {
  let parent: string
  let dataDir: string

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'drone-relay-disk-'))
    dataDir = join(parent, 'not', 'there', 'yet')
  })
  afterEach(() => rm(parent, { recursive: true, force: true }))

  it('[ST10] is made where there is none, for its owner only', async () => {
    await (await openEmbeddedStore({ dataDir })).close()
    for (const path of [dataDir, join(dataDir, 'store')])
      expect((await stat(path)).mode & 0o777).to.equal(0o700)
  })

  it('[ST9] is only read while the disk is nearly full, and written to when there is room again', async () => {
    let store = await openEmbeddedStore({ dataDir })
    const header = await store.insertTurn(aTurn())
    const batch = batchOf(header, [{ entries: [say('words')] }])
    await committed(store, batch)
    await store.close()

    store = await openEmbeddedStore({ dataDir, minFreeBytes: MORE_THAN_THERE_IS })
    expect((await failure(store.insertTurn(aTurn({ turnId: 'other' })))).code).to.equal('store_unavailable')
    expect((await failure(store.commit([batch]))).code).to.equal('store_unavailable')
    expect((await failure(store.ping())).code).to.equal('store_unavailable')
    const stored = await store.readTurn(header.turnId)
    if (!stored) throw new Error('the turn is gone')
    expect(textOf(await wordsOf(store, stored))).to.equal('words')
    await store.close()

    store = await openEmbeddedStore({ dataDir })
    await committed(store, batchOf(stored, [{ entries: [say(' and more')] }]))
    await store.close()
  })

  it('[ST9] is not begun on a disk that is nearly full', async () => {
    const refusal = await failure(openEmbeddedStore({ dataDir, minFreeBytes: MORE_THAN_THERE_IS }))
    expect(refusal).to.be.instanceOf(StoreConfigError)
    expect(refusal.message).to.match(/nearly full/)
  })

  it('[ST10] is refused with one clear line where it cannot be used', async () => {
    const file = join(parent, 'file')
    await writeFile(file, '')
    await mkdir(join(parent, 'bad', 'store'), { recursive: true })
    await writeFile(join(parent, 'bad', 'store', 'data.mdb'), 'this is no database '.repeat(1_000))
    const long = join(parent, 'x'.repeat(120))
    for (const path of [file, join(file, 'below'), '/proc/nowhere', join(parent, 'bad'), long]) {
      const refusal = await failure(openEmbeddedStore({ dataDir: path }))
      expect(refusal, path).to.be.instanceOf(StoreConfigError)
      expect(refusal.message).to.not.include('\n')
    }
  })

  it('[ST10] is this process’ own once: a second store is refused, and after closing the first is not', async () => {
    const store = await openEmbeddedStore({ dataDir })
    expect(await failure(openEmbeddedStore({ dataDir }))).to.be.instanceOf(StoreConfigError)
    await store.close()
    await (await openEmbeddedStore({ dataDir })).close()
  })

  it('refuses reads and writes after it was closed', async () => {
    const store = await openEmbeddedStore({ dataDir })
    await store.close()
    await store.close()
    for (const call of [
      store.readTurn('t'),
      store.insertTurn(aTurn()),
      store.ping(),
      wordsOf(store, aTurn()),
    ])
      expect((await failure(call)).code).to.equal('store_unavailable')
  })
})
