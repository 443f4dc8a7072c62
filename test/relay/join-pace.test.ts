import { expect } from 'chai'
import { RawSocket } from '../support/raw-socket.ts'
import { startRelay } from '../support/running-relay.ts'
import type { RunningRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'

for (const { name, make } of STORES) {
  describe(`a viewer that joins again and again, on the ${name} store`, () => {
    let store: TestStore
    let relay: RunningRelay
    let sockets: RawSocket[]

    beforeEach(async () => {
      store = await make()
      relay = await startRelay(store, { joinEveryMs: '60000' })
      sockets = []
    })

    afterEach(async () => {
      for (const socket of sockets) socket.close()
      await relay.stop()
      await store.remove()
    })

    async function viewer(): Promise<RawSocket> {
      const socket = new RawSocket(relay.url, '/code', { token: relay.keys.code })
      sockets.push(socket)
      await socket.event('welcome')
      return socket
    }

    it('[VW18] is told to wait, unless it left in between or is a new connection', async () => {
      const first = await viewer()
      const sent = await first.ask('chat:send', { content: 'hello', messageId: 'm' })
      const session = { chatSessionId: sent['chatSessionId'] }
      expect(await first.ask('session:join', session)).to.include({ ok: true })
      const refused = await first.ask('session:join', session)
      expect(refused.error).to.include({ code: 'rate_limited', retryable: true })
      expect(refused.error).to.have.property('retryAfterMs').that.is.within(1, 60_000)
      await first.ask('session:leave', session)
      expect(await first.ask('session:join', session)).to.include({ ok: true })
      const second = await viewer()
      expect(await second.ask('session:join', session)).to.include({ ok: true })
    })
  })
}
