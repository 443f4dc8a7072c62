import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

interface Pausable {
  readonly io: {
    readonly engine: {
      readonly transport: { readonly ws: { readonly _socket: { pause(): void; resume(): void } } }
    }
  }
}

onEveryStore('A slow viewer', (bench) => {
  it('[VW14] delays nobody, and gets everything from the store when it reads again', async function () {
    this.timeout(60_000)
    // One who does not read answers no ping either: here it is not to be cut off for that.
    await bench().start({ viewerBufferBytes: '1024', pingIntervalMs: '120000' })
    const [drone, quick] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await quick.send()
    const voice = drone.voice(await drone.order())
    const slow = await bench().viewer()
    await slow.join(chatSessionId)
    await slow.resumed()
    const { _socket: wire } = (slow.socket as unknown as Pausable).io.engine.transport.ws
    wire.pause()

    // Where the system's buffers end is its own affair: test/sessions/follower.test.ts shows what falling behind does.
    const piece = 'x'.repeat(16_000)
    let said = ''
    for (let number = 0; number < 300; number++) {
      const text = `${number}:${piece}`
      said += text
      voice.response(text)
      if (number % 20 === 19) await drone.checkpoint(voice.length())
    }
    await voice.complete()
    await quick.ended(turnId)
    expect(quick.text(turnId).length).to.equal(said.length)
    expect(slow.text(turnId).length).to.be.below(said.length)
    expect(slow.disconnectedFor).to.equal(undefined)

    wire.resume()
    await slow.ended(turnId)
    expect(slow.text(turnId) === said).to.equal(true)
    expect(quick.text(turnId) === said).to.equal(true)
    expect([...slow.faults, ...quick.faults]).to.deep.equal([])
  })
})
