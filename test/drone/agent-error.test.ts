import { RequestError } from '@agentclientprotocol/sdk'
import { expect } from 'chai'
import { errorWords } from '../../src/drone/agent-error.ts'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

describe('an error of an agent', function () {
  this.timeout(SPAWN_MS)
  const introduction = { protocolVersion: 1 }

  it('[AG25] is told with its details', () => {
    const error = RequestError.internalError({ details: 'no model' })
    expect(errorWords('session/prompt', error, introduction)).to.equal(
      'the agent answered session/prompt with an error: Internal error (no model)',
    )
  })

  it('[AG28] that wants a login says how to log in', () => {
    const authMethods = [{ id: 'login', name: 'Login', description: 'Run `opencode auth login`' }]
    const words = errorWords('session/new', RequestError.authRequired(), { ...introduction, authMethods })
    expect(words).to.contain('Log in on the machine of the drone first: Run `opencode auth login`')
  })

  it('[AG29] that speaks another version of ACP says which', async () => {
    const answer = JSON.stringify({ jsonrpc: '2.0', id: 0, result: { protocolVersion: 9 } })
    const script = `process.stdin.resume(); console.log(${JSON.stringify(answer)})`
    const demo = await startDemoHost({ args: ['-e', script] })
    const work = new RecordingWork()
    await demo.host.work(work)
    expect(work.end?.message).to.contain('the agent speaks version 9 of ACP, the drone version 1')
    await demo.stop()
  })
})
