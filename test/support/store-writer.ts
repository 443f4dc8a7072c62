// A process that commits and says so, until it is killed: node --import tsx store-writer.ts <dataDir> <turnId> [unitsPerCommit] [minFreeBytes]
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { aTurn, batchOf, committed, say } from './store-turns.ts'

const [dataDir = '', turnId = '', filler = '1', minFree] = process.argv.slice(2)
const store = await openEmbeddedStore({
  dataDir,
  ...(minFree === undefined ? {} : { minFreeBytes: Number(minFree) }),
})
let header = await store.insertTurn(aTurn({ turnId, status: 'processing' }))
try {
  for (;;) {
    const from = header.lanes[0]?.length ?? 0
    const entries = [say(`${from};`), say('x'.repeat(Number(filler)))]
    header = await committed(store, batchOf(header, [{ entries, close: from % 3 === 0 }]))
    console.log(String(header.lanes[0]?.length))
  }
} catch (error) {
  // Written at once: the process may not live to flush a stream.
  console.log(`stopped: ${(error as { code?: string }).code}`)
  await store
    .insertTurn(aTurn({ turnId: 'another', messageId: 'another' }))
    .catch((again: { code?: string }) => {
      console.log(`and again: ${again.code}`)
    })
  console.log(`read: ${(await store.readTurn(turnId))?.lanes[0]?.length}`)
  await store.close()
  console.log('closed')
}
