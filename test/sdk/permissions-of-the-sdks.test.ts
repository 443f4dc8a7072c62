import { expect } from 'chai'
import { SdkStage } from '../support/sdk-stage.ts'
import { STORES } from '../support/stores.ts'

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
    let stage: SdkStage

    beforeEach(async () => {
      stage = await SdkStage.open(make)
    })
    afterEach(() => stage.close())

    async function turn() {
      await stage.drone()
      const viewer = await stage.viewer()
      const message = { content: 'hello', messageId: 'm1', workspaceId: 'w' }
      const sent = await viewer.client.send(message, viewer.see)
      return { viewer, client: viewer.client, ...sent, work: await stage.works.next() }
    }

    it('[SK10] are heard by whoever watches, and answered by the first who chooses', async () => {
      const { work, client, viewer, view } = await turn()
      const choice = work.ask(QUESTION)
      const { permission } = await viewer.next('asked')
      expect(permission).to.deep.include(QUESTION)
      expect(view.permissions).to.have.lengthOf(1)
      const other = await stage.viewer()
      const joined = await other.client.watch(view.chatSessionId, other.see)
      expect(joined.permissions.map(({ requestId }) => requestId)).to.deep.equal([permission.requestId])
      const { droneId, requestId } = permission
      expect(await other.client.choose(droneId, requestId, 'no')).to.include({ optionId: 'no', by: 'ann' })
      expect(await choice).to.deep.equal({ optionId: 'no', by: 'ann' })
      expect(await client.choose(droneId, requestId, 'once')).to.include({ optionId: 'no' })
      expect(await viewer.next('answered')).to.deep.include({ optionId: 'no', by: 'ann' })
      await other.next('answered')
      expect([view.permissions, joined.permissions]).to.deep.equal([[], []])
    })

    it('[SK10] asked while the relay is away reach it, and an answer given while the drone is', async () => {
      const { work, client, viewer, view } = await turn()
      const asked = work.ask(QUESTION)
      const { permission } = await viewer.next('asked')
      await stage.relay.stop()
      const later = work.ask({ ...QUESTION, title: 'And /b?' })
      await stage.startAgain()
      const second = await viewer.next('asked')
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
      const { work, client, viewer, view } = await turn()
      const asked = work.ask(QUESTION)
      await viewer.next('asked')
      const refused = await work.ask({ ...QUESTION, title: 'x'.repeat(300_000) }).catch(String)
      expect(refused).to.match(/payload_too_large/)
      await client.abort(view.chatSessionId)
      expect(await asked).to.equal(undefined)
      expect((await viewer.next('answered')).optionId).to.equal(null)
      expect(await work.ask(QUESTION)).to.equal(undefined)
    })
  })
}
