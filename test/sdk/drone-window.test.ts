import { expect } from 'chai'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { DroneClientOptions } from '../../src/client/drone-client.ts'
import type { FinalRefusal } from '../../src/client/connection.ts'
import type { Work } from '../../src/client/work.ts'
import { readTurn } from '../../src/turns/turn-reader.ts'
import { CommitGate } from '../support/gated-store.ts'
import { ItemQueue } from '../support/item-queue.ts'
import { RawSocket } from '../support/raw-socket.ts'
import { startRelay } from '../support/running-relay.ts'
import type { RunningRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'

const WINDOW_BYTES = 20_000

for (const { name, make } of STORES) {
  describe(`a drone whose relay cannot store, on the ${name} store`, function () {
    this.timeout(30_000)
    let testStore: TestStore
    let gate: CommitGate
    let relay: RunningRelay
    let state: Awaited<ReturnType<typeof tempDir>>
    let clients: DroneClient[]
    let sockets: RawSocket[]

    beforeEach(async () => {
      testStore = await make()
      gate = new CommitGate()
      state = await tempDir('drone-state')
      const gated = { ...testStore, open: async () => gate.around(await testStore.open()) }
      relay = await startRelay(gated, { windowBytes: String(WINDOW_BYTES) })
      clients = []
      sockets = []
    })

    afterEach(async () => {
      gate.open()
      for (const client of clients) await client.stop('the test is over', 100)
      for (const socket of sockets) socket.close()
      await relay.stop()
      await testStore.remove()
      await state.remove()
    })

    function drone(
      token: string,
      works = new ItemQueue<Work>(),
      hears: Pick<DroneClientOptions, 'onConnected' | 'onFinal'> = {},
    ): DroneClient {
      const client = new DroneClient({
        url: relay.url,
        token,
        registration: { name: 'digger', hostname: 'box', workspaceId: 'w', droneId: 'd' },
        stateDir: state.path,
        onWorkOrder: (work) => {
          works.push(work)
          return new Promise((resolve) => work.signal.addEventListener('abort', () => resolve()))
        },
        ...hears,
      })
      clients.push(client)
      return client
    }

    async function beginWork(): Promise<Work> {
      const works = new ItemQueue<Work>()
      await drone(relay.keys.drone, works).start()
      const viewer = new RawSocket(relay.url, '/code', { token: relay.keys.code })
      sockets.push(viewer)
      await viewer.event('welcome')
      await viewer.ask('chat:send', { content: 'hello', messageId: 'm1', workspaceId: 'w' })
      return works.next()
    }

    it('[SK6] is made to wait when its window is full, and loses nothing when the store is back', async () => {
      const work = await beginWork()
      gate.close()
      let said = ''
      let waits: Promise<void> | undefined
      for (let n = 0; waits === undefined && n < 1000; n++) {
        const text = `${n} ${'x'.repeat(500)} `
        said += text
        const spoken = work.response(text)
        const isRoom = await Promise.race([
          spoken.then(() => true),
          new Promise<boolean>((r) => setImmediate(r, false)),
        ])
        if (!isRoom) waits = spoken
      }
      expect(waits, 'somebody who speaks without end is stopped').to.not.equal(undefined)
      expect(said.length).to.be.within(WINDOW_BYTES / 2, WINDOW_BYTES * 2)
      gate.open()
      await waits
      await work.complete(true)
      const stored = await readTurn(relay.store, work.order.turnId)
      expect(stored?.blocks[0]?.content).to.equal(said)
    })

    it('[SK1] an end is not over before it is stored', async () => {
      const work = await beginWork()
      await work.response('the answer')
      gate.close()
      let isOver = false
      const completing = work.complete(true).then(() => (isOver = true))
      // The relay has read the completion once it answers what was sent after it.
      const other = new RawSocket(relay.url, '/code', { token: relay.keys.code })
      sockets.push(other)
      await other.event('welcome')
      await other.ask('session:list', {})
      expect(isOver).to.equal(false)
      expect((await readTurn(relay.store, work.order.turnId))?.status).to.equal('processing')
      gate.open()
      await completing
      expect((await readTurn(relay.store, work.order.turnId))?.status).to.equal('finished')
    })

    it('[SK7] gives up where the relay will not have it: wrong key, another process in its place', async () => {
      const refusals = new ItemQueue<FinalRefusal>()
      const onFinal = (refusal: FinalRefusal): void => refusals.push(refusal)
      await drone(relay.keys.code, undefined, { onFinal }).start()
      expect((await refusals.next()).code).to.equal('forbidden')
      await new Promise<unknown>((onConnected) => {
        void drone(relay.keys.drone, undefined, { onFinal, onConnected }).start()
      })
      await drone(relay.keys.drone).start()
      expect((await refusals.next()).code).to.equal('superseded')
    })
  })
}
