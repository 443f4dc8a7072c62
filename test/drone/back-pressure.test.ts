import { PassThrough, Readable } from 'node:stream'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect } from 'chai'
import type { AgentHost } from '../../src/drone/agent-host.ts'
import { AgentStream } from '../../src/drone/agent-stream.ts'
import { RecordingLogger, SPAWN_MS, startDemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

const LINE = `${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { filler: 'x'.repeat(1000) } })}\n`
/** Turns of the event loop in which an eager reader would have read a thousand times what is allowed. */
const TURNS = 2_000
/** Bytes that may be on their way: what Node's own stream holds, and a piece of it in work. */
const HELD_BYTES = 256 * 1024

/** A turn that never gets more room. */
async function stuck(host: AgentHost): Promise<{ work: RecordingWork; done: Promise<void> }> {
  const never = new Promise<void>(() => {})
  const work = new RecordingWork({
    prompt: 'long 9000',
    room: () => (work.answer === '' ? Promise.resolve() : never),
  })
  const done = host.work(work)
  await work.until(() => work.answer !== '')
  return { work, done }
}

describe('a relay that has no room', function () {
  this.timeout(SPAWN_MS)

  it('[AG40] stops the reading of the agent, until there is room', async () => {
    let written = 0
    const stdout = new Readable({
      read() {
        written += LINE.length
        this.push(Buffer.from(LINE))
      },
    })
    let heard = 0
    let makeRoom: (() => void) | undefined
    const hear = async () => {
      heard++
      await new Promise<void>((resolve) => (makeRoom = resolve))
      return true
    }
    const options = { stdin: new PassThrough(), stdout, logger: new RecordingLogger(), hear }
    const stream = new AgentStream(options)
    const reader = stream.stream.readable.getReader()
    void reader.read().catch(() => {})
    for (let turn = 0; turn < TURNS; turn++) await turnOfTheLoop()
    expect(heard).to.equal(1)
    expect(stream.heldUp).to.equal(true)
    expect(written).to.be.lessThan(HELD_BYTES)
    for (let more = 0; more < 500; more++) {
      makeRoom?.()
      await turnOfTheLoop()
    }
    expect(heard).to.be.greaterThan(100)
    expect(written - heard * LINE.length).to.be.lessThan(HELD_BYTES)
    stdout.destroy()
  })

  it('[AG41] loses and doubles nothing when the agent is stopped again and again', async () => {
    const demo = await startDemoHost()
    let entries = 0
    const room = async () => {
      if (++entries % 50 === 0) await turnOfTheLoop()
    }
    const work = new RecordingWork({ prompt: 'long 100', room })
    await demo.host.work(work)
    const numbers = [...work.answer.matchAll(/^(\d+)\. The quick brown fox/gm)].map(([, digits]) =>
      Number(digits),
    )
    expect(numbers.length).to.be.greaterThan(1000)
    expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1))
    await demo.stop()
  })

  it('[AG46] does not keep the drone from stopping', async () => {
    const demo = await startDemoHost()
    const { work, done } = await stuck(demo.host)
    await demo.host.stop()
    work.abort()
    await done
    await demo.stop()
  })

  it('[AG42] lets go of a turn that is aborted while it waits for room', async () => {
    const demo = await startDemoHost()
    const { work, done } = await stuck(demo.host)
    work.abort()
    await done
    const next = new RecordingWork()
    await demo.host.work(next)
    expect(next.end?.success).to.equal(true)
    await demo.stop()
  })
})
