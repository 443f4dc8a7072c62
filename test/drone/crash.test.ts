import { expect } from 'chai'
import type { AgentHostOptions } from '../../src/drone/agent-host.ts'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import type { DemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

describe('an agent that fails', function () {
  this.timeout(SPAWN_MS)
  let demo: DemoHost

  afterEach(() => demo.stop())

  async function endOf(options: Partial<AgentHostOptions>, prompt = 'Hello'): Promise<RecordingWork['end']> {
    demo = await startDemoHost(options)
    const work = new RecordingWork({ prompt })
    await demo.host.work(work)
    return work.end
  }

  it('[AG23] fails the turn with how the process ended and what it wrote last', async () => {
    demo = await startDemoHost()
    const work = new RecordingWork({ prompt: 'crash' })
    await demo.host.work(work)
    expect(work.answer).to.contain('# What I found')
    expect(work.end?.success).to.equal(false)
    expect(work.end?.message).to.match(
      /^the agent process \(.*\) ended with exit code 7; its last error output: /,
    )
    expect(work.end?.message).to.contain('The prompt asked the demo agent to crash.')
  })

  it('[AG24] starts the agent again for the next work, in the same agent session', async () => {
    const sessions: string[] = []
    demo = await startDemoHost({ onAgentSession: (_chatSessionId, id) => sessions.push(id) })
    await demo.host.work(new RecordingWork({ prompt: 'crash' }))
    const next = new RecordingWork()
    await demo.host.work(next)
    expect(next.end?.success).to.equal(true)
    expect(sessions).to.have.length(2)
    expect(sessions[0]).to.equal(sessions[1])
  })

  it('[AG23] fails the turns of all chat sessions that the process served', async () => {
    demo = await startDemoHost()
    const bystander = new RecordingWork({ chatSessionId: 'chat-2', prompt: 'long 9000' })
    const done = demo.host.work(bystander)
    await bystander.until(() => bystander.answer.includes('quick brown fox'))
    await demo.host.work(new RecordingWork({ prompt: 'crash' }))
    await done
    expect(bystander.end?.message).to.contain('exit code 7')
  })

  it('[AG25] fails the turn with the words of an error', async () => {
    expect(await endOf({}, 'fail')).to.deep.equal({
      success: false,
      message:
        'the agent answered session/prompt with an error: Internal error (the prompt asked the demo agent to fail)',
    })
  })

  it('[AG26] names a command that does not exist, and says what to check', async () => {
    const end = await endOf({ command: 'no-such-agent', args: [] })
    expect(end?.success).to.equal(false)
    expect(end?.message).to.contain('the agent command "no-such-agent" cannot be started')
    expect(end?.message).to.contain('Check that it is installed')
  })

  it('[AG26] quotes a command that is no ACP agent', async () => {
    const end = await endOf({ args: ['-e', 'console.error("I only bark"); process.exit(3)'] })
    expect(end?.message).to.contain('ended with exit code 3; its last error output: I only bark')
  })

  it('[AG26] survives a command that prints something else, and ends', async () => {
    const end = await endOf({ args: ['-e', 'console.log("Welcome!\\n[1]\\nnull")'] })
    expect(end?.message).to.contain('ended with exit code 0; it wrote no error output')
  })
})
