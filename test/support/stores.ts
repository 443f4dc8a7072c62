import { randomBytes } from 'node:crypto'
import type { TurnStore } from '../../src/turns/turn-store.ts'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { openMongoStore } from '../../src/store/mongo/mongo-store.ts'
import { tempDir } from './temp-dir.ts'

/** A store under test: opened as often as a test restarts its relay, and taken away at the end. */
export interface TestStore {
  readonly name: string
  /** What `serve` is told so that it uses the same store. */
  readonly env: Readonly<Record<string, string>>
  open(): Promise<TurnStore>
  remove(): Promise<void>
}

async function embedded(): Promise<TestStore> {
  const dir = await tempDir('embedded')
  return {
    name: 'embedded',
    env: { DATA_DIR: dir.path, MONGODB_URI: '' },
    open: () => openEmbeddedStore({ dataDir: dir.path }),
    remove: dir.remove,
  }
}

async function mongo(base: string): Promise<TestStore> {
  const dir = await tempDir('mongo')
  const uri = new URL(base)
  uri.pathname = `/relay_${randomBytes(6).toString('hex')}`
  const text = uri.toString()
  return {
    name: 'mongo',
    env: { DATA_DIR: dir.path, MONGODB_URI: text },
    open: () => openMongoStore({ uri: text }),
    remove: dir.remove,
  }
}

const uri = process.env['MONGODB_URI'] ?? ''

/** The stores that behaviour is tested on: always the embedded one, and MongoDB where `MONGODB_URI` names a server. */
export const STORES: readonly { readonly name: string; make: () => Promise<TestStore> }[] = [
  { name: 'embedded', make: embedded },
  ...(uri === '' ? [] : [{ name: 'mongo', make: () => mongo(uri) }]),
]
