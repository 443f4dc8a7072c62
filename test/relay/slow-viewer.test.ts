import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

/** What the relay logs of it. */
const CUT = 'A peer that takes nothing'

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
    await bench().start({ viewerBufferBytes: '1024', pingIntervalMs: '120000', frozenMs: '60000' })
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

  it('[VW21] that takes nothing at all is cut off, and has everything when it joins again', async function () {
    this.timeout(60_000)
    await bench().start({ viewerBufferBytes: '1024', pingIntervalMs: '120000', frozenMs: '200' })
    const [drone, quick] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await quick.send()
    const voice = drone.voice(await drone.order())
    const frozen = await bench().viewer()
    await frozen.join(chatSessionId)
    await frozen.resumed()
    const { _socket: wire } = (frozen.socket as unknown as Pausable).io.engine.transport.ws
    wire.pause()

    const piece = 'x'.repeat(16_000)
    for (let number = 0; bench().relay.log.lines.every(({ message }) => !message.startsWith(CUT)); number++) {
      voice.response(`${number}:${piece}`)
      if (number % 20 === 19) await drone.checkpoint(voice.length())
    }
    await voice.complete()
    await quick.ended(turnId)
    wire.resume()
    await frozen.until('its end', () => frozen.disconnectedFor)
    expect(frozen.text(turnId).length).to.be.below(voice.length())

    const again = await bench().viewer()
    for (const [id, turn] of frozen.turns) again.turns.set(id, turn)
    await again.join(chatSessionId)
    await again.resumed()
    expect(again.text(turnId) === quick.text(turnId)).to.equal(true)
    expect([...again.faults, ...quick.faults]).to.deep.equal([])
  })
})
