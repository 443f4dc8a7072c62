import { expect } from 'chai'
import { RawSocket, registrationOf } from '../support/raw-socket.ts'
import { startRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'

for (const { name, make } of STORES) {
  describe(`the fleet, on the ${name} store`, () => {
    it('[HT7] has the drones that were here before a restart', async () => {
      const store = await make()
      const first = await startRelay(store)
      const drone = new RawSocket(first.url, '/drone', {
        token: first.keys.drone,
        registration: registrationOf(),
      })
      await drone.event('welcome')
      drone.close()
      await first.stop()

      const second = await startRelay(store)
      const response = await fetch(`${second.url}/api/v1/drones`, {
        headers: { authorization: `Bearer ${second.keys.ops}` },
      })
      const { drones } = (await response.json()) as { drones: { name: string; state: string }[] }
      await second.stop()
      await store.remove()
      expect(drones).to.have.length(1)
      expect(drones[0]).to.include({ name: 'digger', state: 'gone', workspaceId: 'w1' })
    })
  })
}
