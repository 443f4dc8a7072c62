import { expect } from 'chai'
import type { SurfaceAction } from '../../src/client/drone-requests.ts'
import type { JoinAnswer } from '../../src/protocol/code-up.ts'
import { ItemQueue } from '../support/item-queue.ts'
import { SdkStage } from '../support/sdk-stage.ts'
import type { SdkViewer } from '../support/sdk-stage.ts'
import { STORES } from '../support/stores.ts'

const message = (messageId: string, more: object = {}) => ({
  content: `${messageId}!`,
  messageId,
  workspaceId: 'w',
  ...more,
})

for (const { name, make } of STORES) {
  describe(`a conversation through both SDKs, on the ${name} store`, function () {
    this.timeout(60_000)
    let stage: SdkStage

    beforeEach(async () => {
      stage = await SdkStage.open(make)
    })
    afterEach(() => stage.close())

    async function turn() {
      const drone = await stage.drone()
      const viewer = await stage.viewer()
      const sent = await viewer.client.queue(message('m1'), viewer.see)
      return { drone, viewer, ...sent, work: await stage.works.next() }
    }

    async function waiting(viewer: SdkViewer, ids: readonly string[]): Promise<void> {
      for (;;) {
        const { queue } = await viewer.next('queue')
        if (queue.map(({ messageId }) => messageId).join() === ids.join()) return
      }
    }

    it('[SK11] queues, changes and takes back, and the queue outlasts the relay', async () => {
      const { viewer, view, work, startedTurn } = await turn()
      expect(startedTurn).to.equal(true)
      const { chatSessionId } = view
      for (const id of ['m2', 'm3', 'm4'])
        await viewer.client.queue(message(id, { chatSessionId }), viewer.see)
      await viewer.client.editQueued(chatSessionId, 'm3', 'Better.')
      await viewer.client.cancelQueued(chatSessionId, 'm2')
      await stage.restart()
      const other = await stage.viewer()
      const joined = await other.client.watch(chatSessionId, other.see)
      expect(joined.queue.map(({ content }) => content)).to.deep.equal(['Better.', 'm4!'])
      await work.complete(true)
      const next = await stage.works.next()
      expect(next.order.prompt).to.equal('Better.')
      await waiting(viewer, ['m4'])
      expect(await viewer.client.cancelQueued(chatSessionId, 'm3')).to.deep.include({
        turnId: next.order.turnId,
      })
      expect(view.turns.map(({ messageId }) => messageId)).to.deep.equal(['m1', 'm3'])
    })

    it('[SK12] steers: an agent takes a message once, in the order it says, though the relay is replaced', async () => {
      const { viewer, view, work } = await turn()
      const { chatSessionId } = view
      const taken: string[] = []
      let take: () => void = () => undefined
      const taking = new Promise<void>((resolve) => (take = resolve))
      work.onSteer(async ({ text }) => {
        taken.push(text)
        if (text !== 's1!') return 'now'
        await taking
        return 'next'
      })
      await viewer.client.queue(message('s1', { chatSessionId, steer: true }), viewer.see)
      await viewer.client.queue(message('s2', { chatSessionId, steer: true }), viewer.see)
      expect((await viewer.next('steered')).steer).to.include({ text: 's2!', as: 'now' })
      await stage.restart()
      take()
      expect((await viewer.next('steered')).steer).to.include({ text: 's1!', as: 'next' })
      await waiting(viewer, [])
      await work.complete(true)
      expect(taken).to.deep.equal(['s1!', 's2!'])
      expect(view.turns[0]?.steers.map(({ text }) => text)).to.deep.equal(['s2!', 's1!'])
    })

    it('[SK12] hands a steer that nobody took to the next turn', async () => {
      const { viewer, view, work } = await turn()
      work.onSteer(() => new Promise(() => undefined))
      const { chatSessionId } = view
      await viewer.client.queue(message('s1', { chatSessionId, steer: true }), viewer.see)
      await work.complete(true)
      expect((await stage.works.next()).order.prompt).to.equal('s1!')
    })

    it('[SK13] does commands, shows surfaces and speaks unasked, over a replaced relay as well', async () => {
      const commands: string[] = []
      const drone = await stage.drone({
        onCommand: ({ command, args }) => {
          commands.push(command)
          if (args === 'wrong') throw new Error('not so')
          return { done: args ?? null }
        },
      })
      drone.manifest({ commands: [{ name: 'deploy' }] })
      const actions = new ItemQueue<SurfaceAction>()
      const board = { surfaceId: 'board', title: 'Board', actions: [{ actionId: 'go', label: 'Go' }] }
      drone.show({ ...board, spec: { rows: 1 } }, (action) => actions.push(action))
      const catalogs = new ItemQueue<JoinAnswer['surfaces']>()
      const surfaces = new ItemQueue<{ surfaceId: string }>()
      const results = new ItemQueue<{ command: string }>()
      const viewer = await stage.viewer({
        // Nothing, and then what this connection is told.
        onConnected: () => catalogs.push([]),
        onCatalog: (catalog) => catalogs.push(catalog),
        onSurface: (surface) => surfaces.push(surface),
        onCommandResult: (result) => results.push(result),
      })
      expect(await catalogs.next()).to.deep.equal([])
      const { view } = await viewer.client.send(message('m1'), viewer.see)
      const { chatSessionId } = view
      await (await stage.works.next()).complete(true)
      await viewer.next('status')

      expect(await viewer.client.execute('deploy', { chatSessionId, args: 'all' })).to.deep.equal({
        done: 'all',
      })
      expect((await results.next()).command).to.equal('deploy')
      const wrong = viewer.client.execute('deploy', { chatSessionId, args: 'wrong' })
      expect(await wrong.catch((error: unknown) => String(error))).to.include('not so')
      expect(commands).to.deep.equal(['deploy', 'deploy'])

      await stage.restart()
      for (let shown = 1; shown > 0;) shown = (await catalogs.next()).length
      for (let shown = 0; shown < 2;) shown = (await catalogs.next()).length
      const place = { droneId: 'd', surfaceId: 'board' }
      expect(await viewer.client.subscribe(place)).to.deep.equal({ rows: 1 })
      await viewer.client.invoke(place, 'go', { x: 1 })
      expect(await actions.next()).to.deep.include({ actionId: 'go', payload: { x: 1 } })
      drone.show({ ...board, spec: { rows: 2 } })
      expect(await surfaces.next()).to.deep.include({ surfaceId: 'board', spec: { rows: 2 } })
      drone.hide('board')
      expect(await surfaces.next()).to.deep.include({ surfaceId: 'board', spec: null })

      drone.compacted({ chatSessionId, summary: 'Short.', messagesSummarized: 1, messagesKept: 0 })
      const { turnId } = await drone.say({ chatSessionId, content: 'By the way.' })
      for (let status = ''; status !== 'finished';) {
        const { turn } = await viewer.next('status')
        if (turn.turnId === turnId) status = turn.status
      }
      expect(
        view
          .turn(turnId)
          ?.blocks()
          .map(({ content }) => content),
      ).to.deep.equal(['By the way.'])
      await viewer.client.send(message('m2', { chatSessionId }), viewer.see)
      const { order } = await stage.works.next()
      expect(order.history.map(({ content }) => content)).to.deep.equal(['Short.', 'By the way.'])
      const refused = drone.say({ chatSessionId, content: 'Again.' })
      expect(await refused.catch((error: unknown) => String(error))).to.include('turn_in_progress')
    })

    it('[SK14] tells other clients how sessions stand and which one to show, and sets a session', async () => {
      const opened = new ItemQueue<string>()
      const statuses = new ItemQueue<string>()
      await stage.viewer({
        onOpened: (chatSessionId) => opened.push(chatSessionId),
        onStatus: ({ status }) => statuses.push(status),
      })
      const { drone, viewer, view, work } = await turn()
      drone.manifest({ models: [{ id: 'large' }], thinkingLevels: ['high'] })
      for (;;) if ((await statuses.next()) === 'processing') break
      await viewer.client.open(view.chatSessionId)
      expect(await opened.next()).to.equal(view.chatSessionId)
      await viewer.client.setModel(view.chatSessionId, 'large')
      await viewer.client.setThinking(view.chatSessionId, 'high')
      while (view.info?.thinkingLevel !== 'high') await viewer.next('info')
      expect(view.info).to.include({ model: 'large', agentName: 'digger' })
      work.usage({ input: 5, output: 7, cost: 0.25 })
      await work.complete(true)
      while (view.info?.usage?.turns !== 1) await viewer.next('info')
      expect(view.info.usage).to.include({ input: 5, output: 7, cost: 0.25 })
    })
  })
}
