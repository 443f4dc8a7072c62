import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect } from 'chai'
import { Delivery } from '../../src/client/delivery.ts'
import { DroneWork } from '../../src/client/drone-work.ts'
import { Works } from '../../src/client/works.ts'
import { FakeClock } from '../support/fake-clock.ts'

const LIMITS = { textUnits: 1000, toolBytes: 1000, eventBytes: 10_000, windowBytes: 2000 }
const ORDER = { turnId: 't', attempt: 1, chatSessionId: 'c', workspaceId: 'w', prompt: '', history: [] }

describe('what a drone says on its way to the relay', () => {
  let clock: FakeClock
  let said: string[]
  let work: DroneWork
  let wire: {
    up: boolean
    emit: (name: string, ...args: unknown[]) => void
    ask: () => Promise<{ ok: true }>
  }

  beforeEach(() => {
    clock = new FakeClock()
    said = []
    wire = {
      up: true,
      emit: (name, text) => void said.push(`${name} ${String(text)}`),
      ask: () => {
        said.push('end')
        return Promise.resolve({ ok: true })
      },
    }
    const works = new Works()
    works.windowBytes = LIMITS.windowBytes
    const delivery = new Delivery({ wire, works, clock, onOver: (one, reason) => works.drop(one, reason) })
    work = new DroneWork(ORDER, {
      limits: LIMITS,
      flushSoon: () => delivery.flushSoon(),
      flushNow: () => delivery.flushNow(),
      hasRoom: () => works.hasRoom,
      sendUsage: (usage) => delivery.usage(usage),
      ask: () => Promise.resolve(undefined),
    })
    works.add(work)
    delivery.welcomed(LIMITS)
  })

  async function afterSilence(): Promise<void> {
    await turnOfTheLoop()
    clock.pass(1000)
  }

  it('[DC2] leaves at once after a silence, and then gathers: the text of 40 ms is one piece', async () => {
    await afterSilence()
    void work.response('first')
    await turnOfTheLoop()
    expect(said.splice(0)).to.deep.equal(['response first'])
    for (const text of ['a', 'b', 'c']) {
      void work.response(text)
      clock.pass(13)
      await turnOfTheLoop()
    }
    expect(said).to.deep.equal([])
    clock.pass(1)
    await turnOfTheLoop()
    expect(said).to.deep.equal(['response abc'])
  })

  it('[DC2] leaves in the same moments as what other drones have gathered, by the clock of the machine', async () => {
    const leftAt: number[] = []
    wire.emit = () => void leftAt.push(clock.now() % 40)
    for (const phase of [3, 19, 34]) {
      await afterSilence()
      clock.pass(phase)
      void work.response('at once')
      await turnOfTheLoop()
      void work.response('gathered')
      for (let ms = 0; ms < 60; ms++) {
        clock.pass(1)
        await turnOfTheLoop()
      }
    }
    expect(leftAt.filter((_, index) => index % 2 === 1)).to.deep.equal([0, 0, 0])
  })

  it('[DC2] never waits with a tool call or an end, nor with text that the window has no room behind', async () => {
    await afterSilence()
    void work.response('first')
    await turnOfTheLoop()
    void work.response('before')
    void work.toolCall({ callId: '1', name: 'read', params: '' })
    await turnOfTheLoop()
    expect(said.splice(0)).to.deep.equal(['response first', 'response before', 'toolCall 1'])
    void work.thinking('x'.repeat(LIMITS.windowBytes))
    await turnOfTheLoop()
    expect(said.splice(0)).to.have.lengthOf(2)
    void work.response('last')
    void work.complete(true)
    await turnOfTheLoop()
    expect(said).to.deep.equal(['response last', 'end'])
  })

  it('[DC2] says nothing to a connection that is gone', async () => {
    await afterSilence()
    void work.response('first')
    await turnOfTheLoop()
    void work.response('second')
    wire.up = false
    clock.pass(40)
    await turnOfTheLoop()
    expect(said).to.deep.equal(['response first'])
  })
})
