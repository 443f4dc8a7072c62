import { expect } from 'chai'
import { RawSocket, registrationOf } from '../support/raw-socket.ts'
import { startRelay } from '../support/running-relay.ts'
import type { RunningRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'

/** More events than a socket may say in a burst. */
const EVENTS = 14_000

for (const { name, make } of STORES) {
  describe(`peers that say too much at once, on the ${name} store`, function () {
    this.timeout(60_000)
    let store: TestStore
    let relay: RunningRelay
    let sockets: RawSocket[]

    beforeEach(async () => {
      store = await make()
      relay = await startRelay(store)
      sockets = []
    })

    afterEach(async () => {
      for (const socket of sockets) socket.close()
      await relay.stop()
      await store.remove()
    })

    function open(namespace: string, auth: object): RawSocket {
      const socket = new RawSocket(relay.url, namespace, auth)
      sockets.push(socket)
      return socket
    }

    it('[BI5] a plain drone is read more slowly, and none of its words is lost', async () => {
      const { name: _name, ...plain } = registrationOf({ name: 'plain', instanceId: undefined }) as {
        name: string
      }
      const drone = open('/drone', { token: relay.keys.drone, registration: { name: 'plain', ...plain } })
      await drone.event('welcome')
      const viewer = open('/code', { token: relay.keys.code })
      await viewer.event('welcome')
      const sent = await viewer.ask('chat:send', { content: 'go', messageId: 'm', workspaceId: 'w1' })
      await drone.event('processWorkOrder')
      for (let n = 0; n < EVENTS; n++) drone.emit('response', 'x')
      const done = await drone.ask('workOrderComplete', sent['turnId'], true)
      expect(done).to.include({ ok: true, status: 'finished' })
      expect(drone.all('error')).to.deep.equal([])
      const answer = await fetch(`${relay.url}/api/v1/turns/${String(sent['turnId'])}`, {
        headers: { authorization: `Bearer ${relay.keys.code}` },
      })
      const turn = (await answer.json()) as { blocks: { content: string }[] }
      expect(turn.blocks[0]?.content).to.have.length(EVENTS)
    })

    it('[BI5] an IDE client is refused with rate_limited, and goes on afterwards or is cut', async () => {
      const viewer = open('/code', { token: relay.keys.code })
      await viewer.event('welcome')
      for (let n = 0; n < EVENTS; n++) viewer.emit('session:leave', { chatSessionId: 'none' })
      await viewer.event('error', ({ code }: { code: string }) => code === 'rate_limited')
    })
  })
}
