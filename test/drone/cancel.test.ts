import { expect } from 'chai'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import type { DemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

/** An answer that takes far longer than a test. */
const ENDLESS = 'long 9000'

describe('the end of a work order by its drone', function () {
  this.timeout(SPAWN_MS)
  let demo: DemoHost

  afterEach(() => demo.stop())

  async function abortMidAnswer(prompt: string): Promise<RecordingWork> {
    const work = new RecordingWork({ prompt })
    const done = demo.host.work(work)
    await work.until(() => work.answer.includes('quick brown fox'))
    work.abort()
    await done
    return work
  }

  it('[AG20] cancels the prompt, says no more, and keeps the agent for the next one', async () => {
    demo = await startDemoHost()
    const work = await abortMidAnswer(ENDLESS)
    expect(work.end).to.equal(undefined)
    const next = new RecordingWork()
    await demo.host.work(next)
    expect(next.end?.success).to.equal(true)
    expect(next.answer).to.contain('This is message 2 of our session.')
    expect(demo.logger.having('info', 'The agent is')).to.have.length(1)
  })

  it('[AG21] kills an agent that does not end a cancelled turn, and starts it again', async () => {
    demo = await startDemoHost({ cancelMs: 50 })
    await abortMidAnswer(`stubborn ${ENDLESS}`)
    expect(demo.logger.having('warn', 'did not end a cancelled turn within 50 ms')).to.have.length(1)
    const next = new RecordingWork()
    await demo.host.work(next)
    expect(next.end?.success).to.equal(true)
    expect(demo.logger.having('info', 'The agent is')).to.have.length(2)
  })

  it('[AG20] does not begin work that was aborted while it waited', async () => {
    demo = await startDemoHost()
    const first = new RecordingWork({ prompt: ENDLESS })
    const second = new RecordingWork()
    const done = [demo.host.work(first), demo.host.work(second)]
    second.abort()
    await first.until(() => first.answer.includes('quick brown fox'))
    first.abort()
    await Promise.all(done)
    expect(second.said).to.deep.equal([])
  })

  it('[AG22] ends running work without success when the drone stops', async () => {
    demo = await startDemoHost()
    const work = new RecordingWork({ prompt: ENDLESS })
    const done = demo.host.work(work)
    await work.until(() => work.answer.includes('quick brown fox'))
    await demo.host.stop()
    await done
    expect(work.end?.success).to.equal(false)
    const late = new RecordingWork()
    await demo.host.work(late)
    expect(late.end).to.deep.equal({ success: false, message: 'the drone stops and takes no work' })
  })
})
