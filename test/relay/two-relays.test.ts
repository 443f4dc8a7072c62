import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import { RawDrone } from '../support/raw-drone.ts'
import { registrationOf } from '../support/raw-socket.ts'
import { startRelay } from '../support/running-relay.ts'

onEveryStore('A relay that is taken for dead', (bench) => {
  it('[RC17] is fenced by the one that took its turns over: what it still hears is in no turn', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order()).response('stored ')
    await drone.checkpoint(7)
    if (bench().store.name === 'embedded') {
      // One process a data folder: the second relay does not even begin.
      const second = await startRelay(bench().store).then(
        async (relay) => relay.stop(),
        (error: unknown) => error,
      )
      expect(second).to.be.an('error')
      return
    }
    const second = await startRelay(bench().store)
    const auth = { token: second.keys.drone, registration: registrationOf() }
    const moved = new RawDrone(second.url, auth)
    try {
      await moved.event('welcome')
      expect(moved.welcomed.turns).to.deep.equal([
        { turnId, attempt: 1, acknowledged: true, lanes: [{ lane: '', offset: 7 }] },
      ])
      voice.response('to the old one')
      await drone.event('abortWorkOrder')
      expect(drone.checkpoints().at(-1)).to.equal(7)
      voice.response('and more')
      await drone.error('fenced')
      await moved.voice(voice.place).from(7).response('to the new one').complete()
      expect((await bench().turn(turnId)).blocks[0]?.content).to.equal('stored to the new one')
    } finally {
      moved.close()
      await second.stop()
    }
  })
})
