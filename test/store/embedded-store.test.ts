import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { open } from 'lmdb'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { StoreConfigError } from '../../src/store/store-config-error.ts'
import { aTurn } from '../support/store-turns.ts'
import { describeTurnStore } from './turn-store-acceptance.ts'

describeTurnStore('EmbeddedStore', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'drone-relay-store-'))
  return {
    open: () => openEmbeddedStore({ dataDir }),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  }
})

describe('the format of an embedded store', () => {
  let dataDir: string

  beforeEach(async () => (dataDir = await mkdtemp(join(tmpdir(), 'drone-relay-store-'))))
  afterEach(() => rm(dataDir, { recursive: true, force: true }))

  async function withMeta(change: (meta: ReturnType<ReturnType<typeof open>['openDB']>) => Promise<unknown>) {
    const root = open({ path: join(dataDir, 'store'), maxDbs: 24 })
    await change(root.openDB('meta', { useRecords: false } as object))
    await root.close()
  }

  it('[ST23] is written down, and a file of another one is refused and left as it is', async () => {
    const store = await openEmbeddedStore({ dataDir })
    await store.insertTurn(aTurn())
    await store.close()
    for (const change of [{ put: '1' }, { put: undefined }, { put: '4' }]) {
      await withMeta((meta) =>
        change.put === undefined ? meta.remove('format') : meta.put('format', change.put),
      )
      const refusal = await openEmbeddedStore({ dataDir }).catch((error: Error) => error)
      expect(refusal).to.be.instanceOf(StoreConfigError)
      expect((refusal as Error).message).to.match(/has format [14], and this version reads 2 and 3/)
    }
    await withMeta((meta) => meta.put('format', '2'))
    const again = await openEmbeddedStore({ dataDir })
    expect((await again.readTurn('turn-1'))?.turnId).to.equal('turn-1')
    await again.close()
  })
})
