import { expect } from 'chai'
import type { Manifest } from '../../src/protocol/handshake.ts'
import { SPAWN_MS, startDemoHost } from './demo-host.ts'
import type { DemoHost } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'

describe('a whole turn of the demo agent', function () {
  this.timeout(SPAWN_MS)
  let demo: DemoHost
  let manifest: Manifest = {}
  const modes: string[] = []
  const statuses: string[] = []
  const work = new RecordingWork({ prompt: 'Where are penguins?', model: 'demo-fast', agent: 'suggest' })

  before(async () => {
    demo = await startDemoHost({
      onManifest: (changed) => (manifest = changed),
      onMode: (mode) => modes.push(mode),
      onStatus: (text) => statuses.push(text),
    })
    await demo.host.work(work)
  })
  after(() => demo.stop())

  it('[AG1] tells thinking, tool calls, results and answer in the order of the agent', () => {
    const ids = new Map(work.calls.map(({ name, callId }) => [name, callId]))
    const result = (name: string) => `result ${ids.get(name)}`
    const expected = [
      ['thinking', 'call plan', result('plan')],
      ['call list_files', result('list_files'), result('plan')],
      ['call search', result('search'), 'thinking', result('plan')],
      ['call git_status', result('git_status'), 'call read_file', result('read_file'), result('plan')],
      ['response', result('plan'), 'call edit_file', result('edit_file'), 'question', result('edit_file')],
      ['response', result('plan'), 'end'],
    ]
    expect(work.outline).to.deep.equal(expected.flat())
    expect(work.end).to.deep.equal({ success: true, message: undefined })
  })

  it('[AG2] gives a call its name, its arguments as JSON and what an IDE shows of it', () => {
    const search = work.call('search')
    expect(JSON.parse(search.params)).to.deep.equal({ words: ['penguins'] })
    expect(search.detail).to.deep.equal({ title: 'Search for penguins', kind: 'search' })
    const [last] = work.resultsOf(search.callId).slice(-1)
    expect(last?.response).to.equal('README.md:3: It is about penguins.\nnotes.txt:2: two penguins')
    expect(last?.isError).to.equal(undefined)
    expect(work.calls.find(({ name }) => name === 'list_files')?.detail?.locations).to.have.length(1)
  })

  it('[AG2] marks a result that failed', () => {
    const [git] = work.resultsOf(work.call('git_status').callId)
    expect(git).to.include({ isError: true, response: 'There is no git repository here.' })
  })

  it('[AG3] gives a suggested change as a diff of the call', () => {
    const results = work.resultsOf(work.call('edit_file').callId)
    const [diff] = results.flatMap(({ detail }) => detail?.diffs ?? [])
    expect(diff?.newText).to.contain('Seen by the demo agent')
    expect(diff?.oldText).to.contain('about penguins')
  })

  it('[AG4] shows the plan as the results of one call, as a checklist', () => {
    const plan = work.resultsOf(work.call('plan').callId).map(({ response }) => response.split('\n'))
    expect(work.call('plan').detail).to.deep.equal({ title: 'Plan', kind: 'think' })
    expect(plan[0]?.slice(0, 2)).to.deep.equal(['- [ ] **Look at the files**', '- [ ] Search for your words'])
    expect(plan.at(-1)?.every((line) => line.startsWith('- [x] '))).to.equal(true)
    expect(statuses).to.include("The agent's plan: Look at the files")
  })

  it('[AG5] keeps every word of the answer, emoji too', () => {
    expect(work.answer).to.contain('# What I found 🔎\n\nThis is message 1 of our session.')
    expect(work.answer).to.contain('Grüße, 世界 👋🏽👩‍💻\n')
    expect(work.answer).to.contain('```md\n# A workspace\n\nIt is about penguins.\n\n```\n')
  })

  it('[AG6] tells the tokens as totals of the attempt', () => {
    const usages = work.said.flatMap((said) => ('usage' in said ? [said.usage] : []))
    expect(usages.at(-1)).to.include({ contextWindow: 100_000 })
    expect(usages.at(-1)?.output).to.be.greaterThan(10)
  })

  it('[AG7] offers what the agent offers, and chooses what the order asks for', () => {
    expect(manifest.models?.map(({ id }) => id)).to.deep.equal(['demo', 'demo-fast'])
    expect(manifest.agents).to.deep.equal(['look', 'suggest'])
    expect(manifest.commands?.map(({ name }) => name)).to.deep.equal(['search', 'status'])
    expect(modes).to.deep.equal(['suggest'])
    expect(demo.logger.having('warn', 'offers no')).to.deep.equal([])
  })

  it('[AG7] logs a model that the agent does not offer, and goes on with its own', async () => {
    const other = new RecordingWork({ model: 'no-such-model' })
    await demo.host.work(other)
    expect(demo.logger.having('warn', 'offers no model "no-such-model"', 'demo, demo-fast')).to.have.length(1)
    expect(other.end?.success).to.equal(true)
  })
})
