import { expect } from 'chai'
import { chosenAlone, refusalOf } from '../../src/drone/permission-rules.ts'
import type { PermissionPolicy } from '../../src/drone/permission-rules.ts'
import type { Choice, Question } from '../../src/client/work.ts'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import type { DemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

const OPTIONS = [
  { optionId: 'always', name: 'Always', kind: 'allow_always' as const },
  { optionId: 'once', name: 'Once', kind: 'allow_once' as const },
  { optionId: 'never', name: 'Never', kind: 'reject_always' as const },
  { optionId: 'no', name: 'No', kind: 'reject_once' as const },
]
const LOOKING = ['read', 'search', 'think']
const OTHERS = ['fetch', 'execute', 'edit', 'delete', 'other', undefined]

function questionsOf(work: RecordingWork): Question[] {
  return work.said.flatMap((said) => ('question' in said ? [said.question] : []))
}

describe('permissions of an agent', function () {
  this.timeout(SPAWN_MS)
  let demo: DemoHost | undefined

  afterEach(async () => {
    await demo?.stop()
    demo = undefined
  })

  async function done(permissions: PermissionPolicy | undefined, choice?: Choice) {
    demo = await startDemoHost(permissions ? { permissions } : {})
    const work = new RecordingWork({ prompt: 'ask before penguins', ...(choice ? { choice } : {}) })
    await demo.host.work(work)
    return { work, logger: demo.logger }
  }

  it('[AG30] are asked of people, about a call that they have been shown, where nothing else is said', async () => {
    const { work, logger } = await done(undefined, { optionId: 'once', by: 'ann' })
    const questions = questionsOf(work)
    expect(questions.map(({ title }) => title)).to.include('Add a line to README.md')
    expect(questions.length).to.be.greaterThan(1)
    for (const { toolCall, options } of questions) {
      expect(options.map(({ kind }) => kind)).to.include.members(['allow_once', 'reject_once'])
      const asked = work.said.findIndex((said) => 'question' in said && said.question.toolCall === toolCall)
      const shown = work.said.findIndex((said) => 'call' in said && said.call.callId === toolCall?.callId)
      expect(shown).to.be.within(0, asked - 1)
    }
    const [read] = work.resultsOf(work.call('read_file').callId)
    expect(read?.response).to.contain('penguins')
    expect(logger.having('info', '"Add a line to README.md"', 'ann chose once')).to.have.length(1)
  })

  it('[AG31] that people refuse are refused, and the turn goes on', async () => {
    const { work } = await done('ask', { optionId: 'no', by: 'ann' })
    const results = work.resultsOf(work.call('edit_file').callId)
    expect(results.at(-1)).to.include({ isError: true, response: 'Refused: nothing was changed.' })
    expect(work.answer).to.contain('I may not change files here')
    expect(work.end?.success).to.equal(true)
  })

  it('[AG31] that nobody answers are refused', async () => {
    demo = await startDemoHost()
    const work = new RecordingWork({ prompt: 'ask before penguins', choice: undefined })
    await demo.host.work(work)
    expect(work.resultsOf(work.call('edit_file').callId).at(-1)).to.include({ isError: true })
    expect(demo.logger.having('info', '"Add a line to README.md"', 'nobody chose')).to.have.length(1)
  })

  it('[AG61] are given unasked for what only looks, with allow-reads, and logged', async () => {
    const { work, logger } = await done('allow-reads')
    expect(questionsOf(work).map(({ title }) => title)).to.deep.equal(['Add a line to README.md'])
    const [read] = work.resultsOf(work.call('read_file').callId)
    expect(read?.response).to.contain('penguins')
    expect(logger.having('info', '"Read ', 'allowed: allow-reads', 'kind read')).to.have.length(1)
  })

  it('[AG61] are given unasked for everything with allow-all, and logged', async () => {
    const { work, logger } = await done('allow-all')
    expect(questionsOf(work)).to.deep.equal([])
    expect(logger.having('info', '"Add a line to README.md"', 'allowed: allow-all')).to.have.length(1)
  })

  it('[AG61] are given alone once and never always, and never for a fetch or a tool of no kind', () => {
    const alone = (policy: PermissionPolicy, kind: string | undefined) =>
      chosenAlone(policy, OPTIONS, kind)?.optionId
    expect(LOOKING.map((kind) => alone('allow-reads', kind))).to.deep.equal(['once', 'once', 'once'])
    expect(OTHERS.filter((kind) => alone('allow-reads', kind) !== undefined)).to.deep.equal([])
    const allowed = [...LOOKING, ...OTHERS].map((kind) => alone('allow-all', kind))
    expect(new Set(allowed)).to.deep.equal(new Set(['once']))
    expect([...LOOKING, ...OTHERS].filter((kind) => alone('ask', kind) !== undefined)).to.deep.equal([])
    const always = OPTIONS.filter(({ kind }) => kind === 'allow_always')
    expect(chosenAlone('allow-all', always, 'read')).to.equal(undefined)
  })

  it('[AG31] refuse once where that is offered', () => {
    expect(refusalOf(OPTIONS)?.optionId).to.equal('no')
    expect(refusalOf(OPTIONS.filter(({ kind }) => kind !== 'reject_once'))?.optionId).to.equal('never')
    expect(refusalOf([])).to.equal(undefined)
  })
})
