import { expect } from 'chai'
import type { TurnStore } from '../../src/turns/turn-store.ts'
import { around } from '../../scripts/chaos/patch.ts'
import { away } from '../support/away.ts'
import { Bench } from '../support/bench.ts'
import { aTurn } from '../support/store-turns.ts'
import { STORES } from '../support/stores.ts'

/** A store that does not take the first `count` changes of a session. */
function unsure(store: TurnStore, count: number): TurnStore {
  let left = count
  return around(store, {
    updateSession: (session) => (left-- > 0 ? Promise.reject(away()) : store.updateSession(session)),
  })
}

const now = 1_790_000_000_000
const header = aTurn({ turnId: 'half-sent', chatSessionId: 'chat', messageId: 'm1', createdAt: now })
const session = {
  chatSessionId: 'chat',
  userId: 'ann',
  queue: [],
  version: 1,
  createdAt: now,
  updatedAt: now,
}

for (const { name, make } of STORES) {
  describe(`A message of which only half was stored (${name})`, () => {
    let bench: Bench

    afterEach(() => bench.close())

    it('[CS3] is started as soon as the store takes the other half, however often it is sent', async () => {
      const store = await make()
      bench = new Bench({ ...store, open: async () => unsure(await store.open(), 3) })
      await bench.start()
      const [drone, viewer] = [await bench.drone(), await bench.viewer()]
      const message = { content: 'Do it.', messageId: 'm1' }
      const answers = await Promise.all([viewer.ask('chat:send', message), viewer.ask('chat:send', message)])
      expect(answers.map(({ ok }) => ok)).to.deep.equal([true, true])
      expect(new Set(answers.map((answer) => answer['turnId'])).size).to.equal(1)
      await drone.voice(await drone.order()).complete()
      expect(drone.orders).to.have.length(1)
    })

    it('[CS3] is started when it is sent again, though nobody knew that it was stored', async () => {
      const store = await make()
      let isLost = true
      const losing = (opened: TurnStore): TurnStore =>
        around(opened, {
          insertTurn: async (turn) => {
            const inserted = await opened.insertTurn(turn)
            if (!isLost) return inserted
            isLost = false
            throw away()
          },
        })
      bench = new Bench({ ...store, open: async () => losing(await store.open()) })
      await bench.start()
      const [drone, viewer] = [await bench.drone(), await bench.viewer()]
      const message = { content: 'Do it.', messageId: 'm1' }
      expect((await viewer.ask('chat:send', message)).error?.code).to.equal('store_unavailable')
      expect(await viewer.ask('chat:send', message)).to.include({ ok: true })
      await drone.voice(await drone.order()).complete()
      expect(await viewer.ask('chat:send', message)).to.include({
        ok: true,
        repeated: true,
        status: 'finished',
      })
      expect(drone.orders).to.have.length(1)
    })

    it('[RC25] is ordered as the same attempt when the store comes back that its conversation is in', async () => {
      const store = await make()
      let failures = 2
      const failing = (opened: TurnStore): TurnStore =>
        around(opened, {
          turnsOfSession: (...args) =>
            failures-- > 0 ? Promise.reject(away()) : opened.turnsOfSession(...args),
        })
      bench = new Bench({ ...store, open: async () => failing(await store.open()) })
      await bench.start()
      const [drone, viewer] = [await bench.drone(), await bench.viewer()]
      await viewer.send()
      expect(await drone.order()).to.include({ attempt: 1 })
    })

    it('[CS3] is started by the next relay, if nothing else was sent since', async () => {
      bench = new Bench(await make())
      const store = await bench.store.open()
      await store.insertSession(session)
      await store.insertTurn(header)
      await store.close()
      await bench.start()
      const drone = await bench.drone()
      expect(await drone.order()).to.include({ turnId: 'half-sent', prompt: 'Do it.' })
      const viewer = await bench.viewer()
      expect((await viewer.join('chat')).session).to.include({
        status: 'processing',
        liveTurnId: 'half-sent',
      })
      const refused = await viewer.send('Another.', { chatSessionId: 'chat' })
      expect(refused.error?.code).to.equal('turn_in_progress')
    })

    it('[CS3] is given up by the next relay where another turn came first', async () => {
      bench = new Bench(await make())
      const store = await bench.store.open()
      await store.insertTurn(header)
      const other = { ...header, turnId: 'other', messageId: 'm2', createdAt: now + 1 }
      await store.insertTurn(other)
      await store.insertSession({ ...session, liveTurnId: 'other' })
      await store.close()
      await bench.start()
      const drone = await bench.drone()
      expect(await drone.order()).to.include({ turnId: 'other' })
      const given = await bench.turn('half-sent')
      expect(given).to.include({ status: 'aborted' })
      expect(given.errorMessage).to.match(/another turn came first/)
    })
  })
}
