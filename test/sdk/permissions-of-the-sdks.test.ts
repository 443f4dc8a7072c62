import { expect } from 'chai'
import { CodeClient } from '../../src/client/code-client.ts'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { SessionChange } from '../../src/client/viewed-session.ts'
import type { Work } from '../../src/client/work.ts'
import { ItemQueue } from '../support/item-queue.ts'
import { startRelay } from '../support/running-relay.ts'
import type { RunningRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'

const QUESTION = {
  title: 'Delete /a?',
  toolCall: { callId: 'c1', name: 'rm' },
  options: [
    { optionId: 'once', name: 'Once', kind: 'allow_once' },
    { optionId: 'no', name: 'No', kind: 'reject_once' },
  ],
}

for (const { name, make } of STORES) {
  describe(`questions through both SDKs, on the ${name} store`, function () {
    this.timeout(60_000)
    let store: TestStore
    let relay: RunningRelay
    let state: Awaited<ReturnType<typeof tempDir>>
    let closing: (() => unknown)[]

    beforeEach(async () => {
      store = await make()
      state = await tempDir('drone-state')
      relay = await startRelay(store)
      closing = []
    })

    afterEach(async () => {
      for (const close of closing.toReversed()) await close()
      await relay.stop()
      await store.remove()
      await state.remove()
    })

    async function turn() {
      const works = new ItemQueue<Work>()
      const drone = new DroneClient({
        url: relay.url,
        token: relay.keys.drone,
        registration: { name: 'digger', hostname: 'box', workspaceId: 'w' },
        stateDir: state.path,
        onWorkOrder: (work) => {
          works.push(work)
          return new Promise((resolve) => work.signal.addEventListener('abort', () => resolve()))
        },
      })
      closing.push(() => drone.stop('the test is over', 100))
      await drone.start()
      const sender = await viewer()
      const sent = await sender.client.send(
        { content: 'hello', messageId: 'm1', workspaceId: 'w' },
        sender.see,
      )
      return { ...sender, ...sent, work: await works.next() }
    }

    async function viewer() {
      const client = new CodeClient({ url: relay.url, token: relay.keys.code })
      closing.push(() => client.close())
      await client.start()
      const changes = new ItemQueue<SessionChange>()
      return { client, changes, see: (change: SessionChange) => changes.push(change) }
    }

    async function next<Kind extends SessionChange['kind']>(changes: ItemQueue<SessionChange>, kind: Kind) {
      for (;;) {
        const change = await changes.next()
        if (change.kind === kind) return change as Extract<SessionChange, { kind: Kind }>
      }
    }

    it('[SK10] are heard by whoever watches, and answered by the first who chooses', async () => {
      const { work, client, changes, view } = await turn()
      const choice = work.ask(QUESTION)
      const { permission } = await next(changes, 'asked')
      expect(permission).to.deep.include(QUESTION)
      expect(view.permissions).to.have.lengthOf(1)
      const other = await viewer()
      const joined = await other.client.watch(view.chatSessionId, other.see)
      expect(joined.permissions.map(({ requestId }) => requestId)).to.deep.equal([permission.requestId])
      const { droneId, requestId } = permission
      expect(await other.client.choose(droneId, requestId, 'no')).to.include({ optionId: 'no', by: 'ann' })
      expect(await choice).to.deep.equal({ optionId: 'no', by: 'ann' })
      expect(await client.choose(droneId, requestId, 'once')).to.include({ optionId: 'no' })
      expect(await next(changes, 'answered')).to.deep.include({ optionId: 'no', by: 'ann' })
      await next(other.changes, 'answered')
      expect([view.permissions, joined.permissions]).to.deep.equal([[], []])
    })

    it('[SK10] asked while the relay is away reach it, and an answer given while the drone is', async () => {
      const { work, client, changes, view } = await turn()
      const asked = work.ask(QUESTION)
      const { permission } = await next(changes, 'asked')
      await relay.stop()
      const later = work.ask({ ...QUESTION, title: 'And /b?' })
      const { port } = new URL(relay.url)
      relay = await startRelay(store, { port })
      const second = await next(changes, 'asked')
      expect(second.permission.title).to.equal('And /b?')
      expect(view.permissions).to.have.lengthOf(2)
      for (const { droneId, requestId } of [permission, second.permission])
        await client.choose(droneId, requestId, 'once')
      expect(await Promise.all([asked, later])).to.deep.equal([
        { optionId: 'once', by: 'ann' },
        { optionId: 'once', by: 'ann' },
      ])
    })

    it('[SK10] are over with the turn, and refused ones say why', async () => {
      const { work, client, changes, view } = await turn()
      const asked = work.ask(QUESTION)
      await next(changes, 'asked')
      const refused = await work.ask({ ...QUESTION, title: 'x'.repeat(300_000) }).catch(String)
      expect(refused).to.match(/payload_too_large/)
      await client.abort(view.chatSessionId)
      expect(await asked).to.equal(undefined)
      expect((await next(changes, 'answered')).optionId).to.equal(null)
      expect(await work.ask(QUESTION)).to.equal(undefined)
    })
  })
}
