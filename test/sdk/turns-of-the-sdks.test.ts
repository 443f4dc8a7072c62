import { expect } from 'chai'
import { CodeClient } from '../../src/client/code-client.ts'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { SessionChange } from '../../src/client/viewed-session.ts'
import type { Work } from '../../src/client/work.ts'
import { readTurn } from '../../src/turns/turn-reader.ts'
import type { KeyKind } from '../../src/turns/turn-store.ts'
import { ItemQueue } from '../support/item-queue.ts'
import { startRelay } from '../support/running-relay.ts'
import type { RunningRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'

for (const { name, make } of STORES) {
  describe(`turns through both SDKs, on the ${name} store`, function () {
    this.timeout(60_000)
    let testStore: TestStore
    let relay: RunningRelay
    let keys: Readonly<Record<KeyKind, string>>
    let state: Awaited<ReturnType<typeof tempDir>>
    let closing: (() => unknown)[]

    beforeEach(async () => {
      testStore = await make()
      state = await tempDir('drone-state')
      relay = await startRelay(testStore)
      keys = relay.keys
      closing = []
    })

    afterEach(async () => {
      for (const close of closing.toReversed()) await close()
      await relay.stop()
      await testStore.remove()
      await state.remove()
    })

    /** A drone whose works are given to the test. */
    async function drone(): Promise<{ client: DroneClient; works: ItemQueue<Work> }> {
      const works = new ItemQueue<Work>()
      const connected = new ItemQueue<true>()
      const client = new DroneClient({
        url: relay.url,
        token: keys.drone,
        registration: { name: 'digger', hostname: 'box', workspaceId: 'w' },
        stateDir: state.path,
        // The test ends the work itself: returning would complete it.
        onWorkOrder: (work) => {
          works.push(work)
          return new Promise((resolve) => work.signal.addEventListener('abort', () => resolve()))
        },
        onConnected: () => connected.push(true),
      })
      closing.push(() => client.stop('the test is over', 100))
      await client.start()
      await connected.next()
      return { client, works }
    }

    async function viewer(): Promise<{
      client: CodeClient
      changes: ItemQueue<SessionChange>
      see: (c: SessionChange) => void
    }> {
      const client = new CodeClient({ url: relay.url, token: keys.code })
      closing.push(() => client.close())
      await client.start()
      const changes = new ItemQueue<SessionChange>()
      return { client, changes, see: (change) => changes.push(change) }
    }

    async function until(
      changes: ItemQueue<SessionChange>,
      isIt: (change: SessionChange) => boolean,
    ): Promise<SessionChange> {
      for (;;) {
        const change = await changes.next()
        if (isIt(change)) return change
      }
    }

    const isEnd = (change: SessionChange): boolean =>
      change.kind === 'status' && change.turn.status === 'finished'

    it('[SK1] the end of a turn is told when it is stored, and the view equals the stored turn', async () => {
      const { works } = await drone()
      const { client, changes, see } = await viewer()
      const { turnId, view } = await client.send({ content: 'hello', messageId: 'm1', workspaceId: 'w' }, see)
      const work = await works.next()
      await work.thinking('I think 🤔. ')
      await work.toolCall({ callId: 'c', name: 'read', params: '{}', detail: { title: 'Read it' } })
      await work.toolResult({ callId: 'c', response: 'content' })
      await work.thinking('In a lane.', { lane: 'agent' })
      await work.response('The ')
      await work.response('answer.')
      await work.complete(true)
      const stored = await readTurn(relay.store, turnId)
      expect(stored?.status).to.equal('finished')
      await until(changes, isEnd)
      const turn = view.turn(turnId)
      const plain = (blocks: readonly object[] = []): object[] =>
        blocks.map((block) => ({ ...block, createdAt: '' }))
      expect(plain(turn?.blocks())).to.deep.equal(plain(stored?.blocks))
      expect(plain(turn?.blocks('agent'))).to.deep.equal(plain(stored?.lanes?.['agent']?.blocks))
      expect(stored?.blocks.map(({ mode }) => mode)).to.deep.equal(['thinking', 'tool', 'responding'])
    })

    it('[SK2] a relay that is restarted in the middle of a turn is not noticed in what was said', async () => {
      const { works } = await drone()
      const { client, changes, see } = await viewer()
      const { turnId, view } = await client.send({ content: 'hello', messageId: 'm1', workspaceId: 'w' }, see)
      const work = await works.next()
      let said = ''
      const say = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) {
          const text = `word ${said.length} 🎉 `
          said += text
          await work.response(text)
        }
      }
      await say(50)
      await until(changes, ({ kind }) => kind === 'entry')
      const { port } = new URL(relay.url)
      await relay.stop()
      await say(50)
      relay = await startRelay(testStore, { port })
      await say(50)
      await work.complete(true)
      await until(changes, isEnd)
      expect(view.turn(turnId)?.blocks()).to.have.length(1)
      expect(view.turn(turnId)?.blocks()[0]?.content).to.equal(said)
      const stored = await readTurn(relay.store, turnId)
      expect(stored?.blocks[0]?.content).to.equal(said)
      expect(stored?.attempt).to.equal(1)
    })

    it('[SK3] a message is sent once, however often the relay goes away before it answers', async () => {
      const { client, see } = await viewer()
      const { port } = new URL(relay.url)
      await relay.stop()
      const sending = client.send({ content: 'hello', messageId: 'once' }, see)
      relay = await startRelay(testStore, { port })
      const first = await sending
      const again = await client.send({ content: 'hello', messageId: 'once' }, see)
      expect(again.turnId).to.equal(first.turnId)
      const { sessions } = await client.list()
      expect(sessions).to.have.length(1)
    })

    it('[SK4] a drone that is stopped ends its turns first', async () => {
      const { client: worker, works } = await drone()
      const { client, changes, see } = await viewer()
      const { turnId } = await client.send({ content: 'hello', messageId: 'm1', workspaceId: 'w' }, see)
      const work = await works.next()
      await work.response('half an ans')
      await worker.stop('closed for today')
      const stored = await readTurn(relay.store, turnId)
      expect(stored).to.include({ status: 'failed', errorMessage: 'closed for today' })
      expect(stored?.blocks[0]?.content).to.equal('half an ans')
      await until(changes, (change) => change.kind === 'status' && change.turn.status === 'failed')
    })

    it('[SK8] a drone says what it offers, and gets what was asked of it by name', async () => {
      const { client: worker, works } = await drone()
      const { client, see } = await viewer()
      const asked = { content: 'one', messageId: 'm1', workspaceId: 'w', model: 'm-large' }
      const sent = await client.send(asked, see)
      expect(sent.status).to.equal('queued')
      worker.manifest({ models: [{ id: 'm-large' }] })
      const work = await works.next()
      expect(work.order).to.include({ turnId: sent.turnId, model: 'm-large' })
      await work.complete(true)
    })

    it('[SK5] an aborted work is told so, and its drone is free for the next', async () => {
      const { works } = await drone()
      const { client, see } = await viewer()
      const { view, turnId } = await client.send({ content: 'one', messageId: 'm1', workspaceId: 'w' }, see)
      const work = await works.next()
      await client.abort(view.chatSessionId, turnId)
      await new Promise((resolve) =>
        work.signal.aborted ? resolve(undefined) : work.signal.addEventListener('abort', resolve),
      )
      const { chatSessionId } = view
      const next = await client.send({ content: 'two', messageId: 'm2', chatSessionId }, see)
      const second = await works.next()
      expect(second.order.turnId).to.equal(next.turnId)
      expect(second.order.history).to.have.length(1)
    })
  })
}
