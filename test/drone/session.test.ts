import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import type { DemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

describe('the sessions of an agent', function () {
  this.timeout(SPAWN_MS)
  let demo: DemoHost
  let named: [string, string][]

  beforeEach(async () => {
    named = []
    demo = await startDemoHost({ onAgentSession: (...names) => named.push(names) })
  })
  afterEach(() => demo.stop())

  async function run(
    order: ConstructorParameters<typeof RecordingWork>[0],
    host = demo.host,
  ): Promise<RecordingWork> {
    const work = new RecordingWork(order)
    await host.work(work)
    return work
  }

  it('[AG10] gives each chat session one of its own', async () => {
    await run({ chatSessionId: 'a' })
    expect((await run({ chatSessionId: 'b' })).answer).to.contain('This is message 1 of our session.')
    expect((await run({ chatSessionId: 'a' })).answer).to.contain('This is message 2 of our session.')
    expect(new Set(named.map(([chatSessionId, id]) => `${chatSessionId} ${id}`)).size).to.equal(2)
  })

  it('[AG11] goes on with the session that the order names, and does not repeat its words', async () => {
    const first = await run({ prompt: 'The first prompt' })
    const agentSessionId = named[0]?.[1]
    await demo.host.stop()
    const restarted = demo.another()
    const work = await run({ ...(agentSessionId ? { agentSessionId } : {}), prompt: 'The second' }, restarted)
    expect(first.answer).to.contain('The first prompt')
    expect(work.answer).to.contain('This is message 2 of our session.')
    expect(work.answer).not.to.contain('The first prompt')
    expect(work.said[0]).to.have.property('thinking')
    expect(named).to.have.length(1)
  })

  it('[AG12] begins a new session when the agent does not know the one named', async () => {
    const work = await run({ agentSessionId: '7a2c9a4e-0a44-4b34-93a5-8a1f2b7f3d11' })
    expect(work.end?.success).to.equal(true)
    expect(named).to.have.length(1)
    expect(demo.logger.having('warn', 'cannot go on with its session 7a2c9a4e')).to.have.length(1)
  })

  it('[AG13] does the orders of one chat session one after another', async () => {
    const first = new RecordingWork({ prompt: 'The first' })
    const second = new RecordingWork({ prompt: 'The second' })
    const whenSecondSpoke = second.until(() => second.said.length > 0).then(() => first.end)
    await Promise.all([demo.host.work(first), demo.host.work(second)])
    expect((await whenSecondSpoke)?.success).to.equal(true)
    expect(second.answer).to.contain('This is message 2 of our session.')
  })

  it('[AG14] hands a steer to the agent as the next prompt of the same turn', async () => {
    const work = new RecordingWork({ prompt: 'The first' })
    const done = demo.host.work(work)
    await work.until(() => work.answer !== '')
    work.steer('Penguins, please')
    await done
    expect(work.answer).to.contain('This is message 1 of our session.')
    expect(work.answer).to.contain('This is message 2 of our session. You wrote: *Penguins, please*')
    expect(work.said.filter((said) => 'end' in said)).to.have.length(1)
    expect([...work.taken]).to.deep.equal([['Penguins, please', 'next']])
  })

  it('[AG14] hands on each steer once, also one that the order has and one that comes twice', async () => {
    const work = new RecordingWork({
      prompt: 'The first',
      steers: [{ messageId: 'steer-early', text: 'early' }],
    })
    const done = demo.host.work(work)
    await work.until(() => work.answer !== '')
    for (const text of ['early', 'late', 'late']) work.steer(text)
    await done
    expect(work.answer).to.contain('This is message 1 of our session. You wrote: *The first early*')
    expect(work.answer).to.contain('This is message 2 of our session. You wrote: *late*')
    expect(work.answer).not.to.contain('message 3')
  })

  it('[AG15] works in the folder of the order, which must be in the workspace', async () => {
    await mkdir(join(demo.workspace, 'inner'))
    await symlink('/etc', join(demo.workspace, 'link'))
    expect((await run({ cwd: 'inner' })).answer).to.contain('- **0** files')
    for (const cwd of ['..', '/etc', 'link', 'nowhere']) {
      const { end } = await run({ cwd })
      expect(end?.success, cwd).to.equal(false)
      expect(end?.message).to.contain(`"${cwd}" is no file or folder of the workspace`)
    }
  })

  it('[AG16] can be started before the first order, whose session is then there', async () => {
    const manifests: unknown[] = []
    const host = demo.another({ onManifest: (manifest) => manifests.push(manifest) })
    await host.start()
    expect(manifests).not.to.deep.equal([])
    expect((await run({}, host)).end?.success).to.equal(true)
  })
})
