import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('An origin', (bench) => {
  it('[SE5] that is not listed is refused before the upgrade, on every transport', async () => {
    const { keys, url } = await bench().start({ corsOrigins: 'https://ide.example' })
    for (const transport of ['websocket', 'polling']) {
      const options = { transports: [transport], extraHeaders: { origin: 'https://evil.example' } }
      const socket = bench().socket('/code', { token: keys.code }, options)
      await socket.until('a refusal', () => socket.refusal)
      expect(socket.heard).to.deep.equal([])
      expect(socket.refusal?.code).to.equal(undefined)
    }
    const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: 'https://evil.example' },
    })
    expect(response.status).to.equal(403)
    expect(await response.json()).to.include({ message: 'origin_not_allowed' })
  })

  it('[SE5] that is listed, our own, or none at all comes in', async () => {
    const { keys, url } = await bench().start({ corsOrigins: 'https://ide.example' })
    for (const origin of ['https://ide.example', url, undefined]) {
      const options = origin === undefined ? {} : { extraHeaders: { origin } }
      await bench().socket('/code', { token: keys.code }, options).event('welcome')
    }
  })

  it('[SE5] is not our own because its name says so: another port, scheme or host is foreign', async () => {
    const { keys } = await bench().start()
    for (const origin of [
      'http://127.0.0.1:1',
      'http://relay.example',
      'null',
      'http://127.0.0.1.evil.example',
    ]) {
      const socket = bench().socket('/code', { token: keys.code }, { extraHeaders: { origin } })
      await socket.until(`a refusal of ${origin}`, () => socket.refusal)
    }
  })
})
