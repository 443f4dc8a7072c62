import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { describeTurnStore } from './turn-store-acceptance.ts'

describeTurnStore('EmbeddedStore', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'drone-relay-store-'))
  return {
    open: () => openEmbeddedStore({ dataDir }),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  }
})
