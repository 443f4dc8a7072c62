import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import mongoose from 'mongoose'
import { MongoLink } from '../../src/store/mongo/mongo-link.ts'
import { MongoTurns } from '../../src/store/mongo/mongo-turns.ts'
import { openMongoStore } from '../../src/store/mongo/mongo-store.ts'
import { StoreConfigError } from '../../src/store/store-config-error.ts'
import { SILENT } from '../../src/store/store-logger.ts'
import type { FlushBatch, TurnStore } from '../../src/turns/turn-store.ts'
import { until } from '../support/until.ts'
import { StoreProxy } from '../support/store-proxy.ts'
import {
  aTurn,
  batchOf,
  commitOne,
  existing,
  nextAttempt,
  say,
  textOf,
  wordsOf,
} from '../support/store-turns.ts'

/** ms: enough to find a server on this machine. */
const SELECTION_MS = 300
/** ms: many times what it takes to make a client anew. */
const LOOKED_FOR_MS = 4000

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
}

/** Gives the same batch again until its outcome is known: a broken connection may take others of the pool with it. */
async function insist(store: TurnStore, batch: FlushBatch): Promise<string | undefined> {
  for (;;) {
    const outcome = await commitOne(store, batch).catch((error: { code?: string }) => error.code)
    if (outcome !== 'store_unavailable') return outcome
  }
}

describe('a database that is away', () => {
  it('[ST16] is told in one line, without its password, when the URI is none', async () => {
    for (const uri of [
      '',
      'localhost',
      'http://a/b',
      'mongodb://ann:secret@/x',
      'mongodb://ann:secret@a:b:c/?x=1',
    ]) {
      const refusal: unknown = await openMongoStore({ uri }).catch((error: unknown) => error)
      expect(refusal, uri).to.be.instanceOf(StoreConfigError)
      expect(String(refusal))
        .to.match(/MongoDB URI is not valid/)
        .and.to.not.match(/secret|\n/)
    }
  })

  it('[ST16] does not keep the store from opening, and every call is refused', async () => {
    const proxy = new StoreProxy('mongodb://127.0.0.1:1/')
    await proxy.open()
    await proxy.close()
    const store = await openMongoStore({ uri: proxy.uri, selectionMs: SELECTION_MS })
    const calls = [
      store.ping(),
      store.insertTurn(aTurn()),
      store.commit([batchOf(aTurn(), [])]),
      store.readTurn('t'),
    ]
    for (const call of calls) expect(await codeOf(call)).to.equal('store_unavailable')
    expect(await codeOf(wordsOf(store, { turnId: 't', attempt: 1, lanes: [] }))).to.equal('none')
    await store.close()
    expect(await codeOf(store.ping())).to.equal('store_unavailable')
  })
})

const { MONGODB_URI: uri } = process.env

if (uri !== undefined)
  describe('a database that comes and goes', () => {
    const database = `drone_relay_test_${randomUUID().slice(0, 8)}`
    let proxy: StoreProxy

    beforeEach(async () => {
      proxy = new StoreProxy(uri)
      await proxy.open()
    })
    afterEach(() => proxy.close())
    after(async () => {
      const connection = await mongoose.createConnection(uri, { dbName: database }).asPromise()
      await connection.dropDatabase()
      await connection.close()
    })

    it('[ST16] is used as soon as it is there, and again after it was lost', async () => {
      await proxy.close()
      let found = (): void => {}
      const there = new Promise<void>((resolve) => (found = resolve))
      const logger = { ...SILENT, info: () => found() }
      const store = await openMongoStore({ uri: proxy.uri, database, logger, selectionMs: SELECTION_MS })
      expect(await codeOf(store.ping())).to.equal('store_unavailable')
      await proxy.open()
      await there
      await store.insertTurn(aTurn())
      await proxy.close()
      expect(await codeOf(store.readTurn('turn-1'))).to.equal('store_unavailable')
      await proxy.open()
      expect((await existing(store, 'turn-1')).turnId).to.equal('turn-1')
      await store.close()
    })

    /** As the driver's monitor is left by a write to a socket that was destroyed just before: it looks no more. */
    function freezeMonitor(link: MongoLink): void {
      const { topology } = link.connection.getClient() as unknown as {
        topology: { s: { servers: Map<string, { monitor: { s: { state: string } } }> } }
      }
      for (const { monitor } of topology.s.servers.values()) monitor.s.state = 'monitoring'
    }

    async function answersAgain(renewAfterMs: number): Promise<boolean> {
      const link = new MongoLink({ uri: proxy.uri, database, selectionMs: 100, renewAfterMs, logger: SILENT })
      const turns = new MongoTurns(link.connection)
      await link.open(turns.models)
      // Through a model, as everything but a ping goes.
      const read = (): Promise<string> => codeOf(link.call(() => turns.read('none')))
      expect(await read()).to.equal('none')
      freezeMonitor(link)
      await proxy.close()
      expect(await read()).to.equal('store_unavailable')
      await proxy.open()
      try {
        await until('it answers', LOOKED_FOR_MS, async () => (await read()) === 'none')
        return true
      } catch {
        return false
      } finally {
        await link.close()
      }
    }

    it('[ST22] is found again, also where the driver itself looks for it no more', async () => {
      expect(await answersAgain(300)).to.equal(true)
    })

    it('[ST22] is not found again when the client is not made anew (control)', async () => {
      expect(await answersAgain(1e9)).to.equal(false)
    })

    const lost: [string, RegExp][] = [
      ['parts', /replaceOne|chat_turn_parts/],
      ['headers', /lanes\.0|chat_turns.*version/s],
    ]
    for (const [what, request] of lost) {
      it(`[ST4] commits a batch once though the answer about its ${what} was lost`, async () => {
        const store = await openMongoStore({ uri: proxy.uri, database, selectionMs: SELECTION_MS })
        const header = await store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
        const batch = batchOf(header, [{ entries: [say('once')], close: true }])
        proxy.swallowAnswerTo(request)
        expect(await codeOf(store.commit([batch]))).to.equal('store_unavailable')
        expect(await insist(store, batch)).to.equal('committed')
        const after = await existing(store, header.turnId)
        expect([after.version, textOf(await wordsOf(store, after))]).to.deep.equal([1, 'once'])
        const retry = nextAttempt(after)
        proxy.swallowAnswerTo(request)
        await codeOf(store.commit([retry]))
        expect(await insist(store, retry)).to.equal('committed')
        expect((await existing(store, header.turnId)).attempt).to.equal(2)
        await store.close()
      })
    }
  })
