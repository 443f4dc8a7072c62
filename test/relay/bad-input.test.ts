import { expect } from 'chai'
import type { EventSpec } from '../../src/protocol/event.ts'
import { codeUp, droneUp, opsUp } from '../../src/protocol/protocol.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import { malformed, wellFormed } from '../support/malformed.ts'
import type { RawSocket } from '../support/raw-socket.ts'

/** Fewer than are cut off for it. */
const AT_ONCE = 150

type Answer = { ok: boolean; error?: { code: string } }

/** A turn under way, with a viewer, that must not notice anything. */
async function bystanders(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone({ name: 'bystander', workspaceId: 'w0' }), await bench.viewer()]
  const { turnId } = await viewer.send('Go.', { workspaceId: 'w0' })
  const voice = drone.voice(await drone.order()).response('before ')
  await viewer.untilText(turnId, 'before ')
  return async () => {
    await voice.response('and after').complete()
    expect((await viewer.ended(turnId)).status).to.equal('finished')
    expect(viewer.text(turnId)).to.equal('before and after')
    expect(viewer.faults).to.deep.equal([])
    expect(drone.errors()).to.deep.equal([])
    expect(bench.relay.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
  }
}

onEveryStore('Bad input', (bench) => {
  const thrown: unknown[] = []
  const note = (error: unknown): void => void thrown.push(error)
  beforeEach(() => {
    thrown.length = 0
    process.on('uncaughtException', note).on('unhandledRejection', note)
  })
  afterEach(() => {
    process.off('uncaughtException', note).off('unhandledRejection', note)
    expect(thrown).to.deep.equal([])
  })

  async function refused(
    connect: (name: string) => Promise<RawSocket>,
    table: Record<string, EventSpec>,
  ): Promise<void> {
    for (const [name, spec] of Object.entries(table)) {
      const lists = malformed(spec)
      for (let from = 0; from < lists.length; from += AT_ONCE) {
        const socket = await connect(name)
        const batch = lists.slice(from, from + AT_ONCE)
        const answers = await Promise.all(batch.map((args) => socket.ask(name, ...args) as Promise<Answer>))
        for (const { ok, error } of answers) {
          expect([ok, error?.code], name).to.deep.equal([false, 'invalid_payload'])
        }
        expect(socket.disconnectedFor, name).to.equal(undefined)
        socket.close()
      }
      const silent = await connect(name)
      silent.emit(name, ...(lists.at(-1) ?? []), 'not a function')
      const [error] = await silent.event('error')
      expect(error).to.include({ event: name, code: 'invalid_payload' })
      const answer: unknown = await silent.ask(name, ...wellFormed(spec))
      expect(answer === true || answer === false || typeof answer === 'object', name).to.equal(true)
      silent.close()
    }
  }

  it('[BI1] of a drone is answered, event by event, and costs nobody anything', async () => {
    const unmoved = await bystanders(bench())
    await refused((name) => bench().drone({ name: `bad ${name}` }), droneUp)
    await refused((name) => bench().plain({ name: `bad plain ${name}` }), {
      thinking: droneUp.thinking,
      toolCall: droneUp.toolCall,
      'agent:complete': droneUp['agent:complete'],
    })
    await unmoved()
  })

  it('[BI1] of an IDE client is answered, event by event, and costs nobody anything', async () => {
    const unmoved = await bystanders(bench())
    await refused(() => bench().viewer(), codeUp)
    await unmoved()
  })

  it('[BI1] of an operator is answered, event by event, and costs nobody anything', async () => {
    const unmoved = await bystanders(bench())
    await refused(() => bench().ops(), opsUp)
    await unmoved()
  })

  it('[BI2] with an event that nobody knows is an invalid payload, whatever it is called', async () => {
    const unmoved = await bystanders(bench())
    const peers = [await bench().drone(), await bench().viewer(), await bench().ops()]
    for (const peer of peers) {
      for (const name of [
        'nothing',
        '',
        '__proto__',
        'constructor',
        'toString',
        'error',
        'e'.repeat(10_000),
      ]) {
        const { error } = await peer.ask(name, { a: 1 })
        expect(error?.code, name).to.equal('invalid_payload')
        peer.emit(name)
        peer.emit(name, null)
      }
      await peer.until('every error', () => peer.all('error').length === 14)
      expect((await peer.ask(7 as unknown as string)).error?.code).to.equal('invalid_payload')
    }
    await unmoved()
  })

  it('[BI3] that is no packet at all costs its sender the connection, and nobody else anything', async () => {
    const unmoved = await bystanders(bench())
    for (const packet of [
      '2/drone,{"a":1}',
      '2/drone,[',
      '2/drone,["disconnect"]',
      '9',
      '51-/drone,["x"]',
      '2/nowhere,["x"]',
      '0/drone,{',
    ]) {
      const drone = await bench().drone()
      const { engine } = drone.socket.io as unknown as { engine: { write(packet: string): void } }
      // One that announces bytes is waited for; what comes in their place is wrong then.
      engine.write(packet)
      engine.write('2/drone,["x"]')
      await drone.until(`the end after ${packet}`, () => drone.disconnectedFor)
    }
    await unmoved()
  })

  it('[BI4] that does not stop is cut off, and told why', async () => {
    const unmoved = await bystanders(bench())
    for (const peer of [await bench().drone(), await bench().viewer(), await bench().ops()]) {
      for (let event = 0; event < 400; event++) peer.emit('nothing')
      await peer.until('the disconnect', () => peer.disconnectedFor)
      const last = peer.all('error').at(-1)?.[0] as { code: string; retryable: boolean; retryAfterMs: number }
      expect(last).to.include({ code: 'rate_limited', retryable: true })
      expect(last.retryAfterMs).to.be.above(0)
      expect(peer.all('error').length).to.be.below(260)
    }
    await unmoved()
  })
})
