import { expect } from 'chai'
import { decidePermission } from '../../src/drone/permission-rules.ts'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import type { DemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

const OPTIONS = [
  { optionId: 'always', name: 'Always', kind: 'allow_always' as const },
  { optionId: 'once', name: 'Once', kind: 'allow_once' as const },
  { optionId: 'no', name: 'No', kind: 'reject_once' as const },
]

describe('permissions of an agent', function () {
  this.timeout(SPAWN_MS)
  let demo: DemoHost
  const work = new RecordingWork({ prompt: 'ask before penguins' })

  before(async () => {
    demo = await startDemoHost()
    await demo.host.work(work)
  })
  after(() => demo.stop())

  it('[AG30] allows what only looks, and logs it', () => {
    const [read] = work.resultsOf(work.call('read_file').callId)
    expect(read?.response).to.contain('penguins')
    expect(demo.logger.having('info', '"Read ', 'allowed: a tool of kind read only looks')).to.have.length(1)
  })

  it('[AG31] refuses everything else, logs it, and the turn goes on', () => {
    const results = work.resultsOf(work.call('edit_file').callId)
    expect(results.at(-1)).to.include({ isError: true, response: 'Refused: nothing was changed.' })
    expect(work.answer).to.contain('I may not change files here')
    expect(work.end?.success).to.equal(true)
    const words = ['"Add a line to README.md"', 'refused: a tool of kind edit may change something']
    expect(demo.logger.having('info', ...words)).to.have.length(1)
  })

  it('[AG30] allows once, never always', () => {
    for (const kind of ['read', 'search', 'think']) {
      const outcome = decidePermission({ options: OPTIONS }, kind).answer.outcome
      expect(outcome).to.deep.equal({ outcome: 'selected', optionId: 'once' })
    }
    const always = OPTIONS.filter(({ kind }) => kind === 'allow_always')
    expect(decidePermission({ options: always }, 'read').answer.outcome).to.deep.equal({
      outcome: 'cancelled',
    })
  })

  it('[AG31] refuses a fetch, which carries words out, and a tool of no kind', () => {
    for (const kind of ['fetch', 'execute', 'edit', 'delete', 'other', undefined]) {
      const outcome = decidePermission({ options: OPTIONS }, kind).answer.outcome
      expect(outcome).to.deep.equal({ outcome: 'selected', optionId: 'no' })
    }
    expect(decidePermission({ options: [] }, 'edit').answer.outcome).to.deep.equal({ outcome: 'cancelled' })
  })
})
