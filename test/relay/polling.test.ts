import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import { RawDrone } from '../support/raw-drone.ts'
import { registrationOf } from '../support/raw-socket.ts'
import { RawViewer } from '../support/raw-viewer.ts'

onEveryStore('A client with default settings', (bench) => {
  for (const transports of [['polling'], ['polling', 'websocket']]) {
    it(`[SE11] just works over ${transports.join(' and then ')}`, async () => {
      const { keys, url } = await bench().start()
      const registration = registrationOf()
      const drone = new RawDrone(url, { token: keys.drone, registration }, { transports })
      const viewer = new RawViewer(url, { token: keys.code }, { transports })
      try {
        await drone.event('welcome')
        await viewer.event('welcome')
        const { turnId } = await viewer.send()
        const voice = drone.voice(await drone.order())
        let said = ''
        for (let piece = 0; piece < 300; piece++) {
          const text = `${piece}😀 `
          said += text
          voice.response(text)
          if (piece % 50 === 0) await drone.handled()
        }
        expect(await voice.complete()).to.include({ ok: true, status: 'finished' })
        await viewer.ended(turnId)
        expect(viewer.text(turnId)).to.equal(said)
        expect(viewer.faults).to.deep.equal([])
      } finally {
        drone.close()
        viewer.close()
      }
    })
  }
})
