import { expect } from 'chai'
import { sessionUpdate } from '../../src/drone/agent-update.ts'
import { Narrator } from '../../src/drone/narrator.ts'
import { FakeClock } from './fake-clock.ts'
import { RecordingWork } from './recording-work.ts'

const content = (text: string) => [{ type: 'content', content: { type: 'text', text } }]

describe('tool calls of an agent', () => {
  let work: RecordingWork
  let clock: FakeClock
  let narrator: Narrator

  beforeEach(() => {
    work = new RecordingWork()
    clock = new FakeClock()
    narrator = new Narrator({ work, clock, onStatus: () => {}, onPlan: () => {}, meter: { spent: 0 } })
  })

  function tell(kind: string, fields: object): Promise<void> {
    const update = { sessionUpdate: kind, ...fields }
    return narrator.tell(sessionUpdate.parse({ sessionId: 's', update }).update)
  }
  const call = (fields: object) =>
    tell('tool_call', { toolCallId: 'c', title: 'bash', kind: 'execute', ...fields })
  const update = (fields: object) => tell('tool_call_update', { toolCallId: 'c', ...fields })
  const responses = () => work.resultsOf('c').map(({ response }) => response)

  it('[AG50] are told with their arguments, when these come after the announcement', async () => {
    await call({ status: 'pending', rawInput: {} })
    expect(work.said).to.deep.equal([])
    await update({ status: 'in_progress', rawInput: { command: 'ls' } })
    await update({ status: 'completed', content: content('a.txt') })
    expect(work.outline).to.deep.equal(['call bash', 'result c'])
    expect(work.call('bash').params).to.equal('{"command":"ls"}')
  })

  it('[AG50] keep the name of their announcement, and the folder alone is no argument', async () => {
    await call({ status: 'pending', rawInput: { cwd: '/w' } })
    await update({ status: 'in_progress', title: 'ls', rawInput: { command: 'ls', cwd: '/w' } })
    expect(work.call('bash').params).to.equal('{"command":"ls","cwd":"/w"}')
    expect(work.call('bash').detail?.title).to.equal('ls')
  })

  it('[AG50] are told without them before anything else is', async () => {
    await call({ status: 'pending' })
    await tell('agent_message_chunk', { content: { type: 'text', text: 'Meanwhile' } })
    expect(work.outline).to.deep.equal(['call bash', 'response'])
  })

  it('[AG50] are told at the end of the turn at the latest', async () => {
    await call({ status: 'pending' })
    await narrator.finish()
    expect(work.outline).to.deep.equal(['call bash'])
  })

  it('[AG51] that arrive ended are a call and its result', async () => {
    await call({ status: 'completed', rawInput: { command: 'ls' }, rawOutput: { exit: 0 } })
    expect(work.outline).to.deep.equal(['call bash', 'result c'])
    expect(responses()).to.deep.equal(['{"exit":0}'])
  })

  it('[AG52] are announced by an update for a call that never was', async () => {
    await update({ status: 'failed', kind: 'read', title: 'Read the file', content: content('no such file') })
    expect(work.outline).to.deep.equal(['call read', 'result c'])
    expect(work.resultsOf('c')[0]).to.include({ isError: true, response: 'no such file' })
  })

  it('[AG53] show at most five results a second, and always the last', async () => {
    await call({ status: 'in_progress' })
    for (let n = 1; n <= 100; n++) {
      await update({ content: content(String(n)) })
      clock.pass(10)
    }
    expect(responses().length).to.be.within(5, 6)
    await update({ status: 'completed', content: content('done') })
    clock.pass(1_000)
    expect(responses().at(-1)).to.equal('done')
    expect(responses().filter((text) => text === 'done')).to.have.length(1)
  })

  it('[AG53] show what a silent call wrote last without waiting for its end', async () => {
    await call({ status: 'in_progress' })
    await update({ content: content('one') })
    await update({ content: content('one two') })
    expect(responses()).to.deep.equal(['one'])
    clock.pass(200)
    expect(responses()).to.deep.equal(['one', 'one two'])
  })

  it('[AG53] show what is due at the end of the turn, and nothing after it', async () => {
    await call({ status: 'in_progress' })
    await update({ content: content('one') })
    await update({ content: content('two') })
    await narrator.finish()
    expect(responses()).to.deep.equal(['one', 'two'])
    clock.pass(1_000)
    expect(responses()).to.have.length(2)
  })

  it('[AG54] tell their detail again only when it has changed', async () => {
    await call({ status: 'in_progress', locations: [{ path: '/a', line: 3 }] })
    await update({ content: content('x') })
    clock.pass(200)
    await update({ title: 'ls -l', status: 'completed', content: content('y') })
    const [first, last] = work.resultsOf('c')
    expect(work.call('bash').detail?.locations).to.deep.equal([{ path: '/a', line: 3 }])
    expect(first?.detail).to.equal(undefined)
    expect(last?.detail).to.include({ title: 'ls -l', kind: 'execute' })
  })

  it('[AG54] keep a diff that was refused, and places that are not named again', async () => {
    const diff = { type: 'diff', path: '/a', oldText: 'x', newText: 'y' }
    await call({ status: 'in_progress', kind: 'edit', locations: [{ path: '/a' }], content: [diff] })
    await update({ status: 'failed', locations: [], content: content('refused') })
    const results = work.resultsOf('c')
    expect(work.call('bash').detail?.diffs).to.deep.equal([{ path: '/a', oldText: 'x', newText: 'y' }])
    expect(results.at(-1)?.response).to.equal('refused')
    expect(results.at(-1)?.detail).to.equal(undefined)
  })

  it('[AG57] may use the id of an ended call again', async () => {
    await call({ status: 'completed', rawInput: { n: 1 }, content: content('first') })
    await call({ status: 'completed', rawInput: { n: 2 }, content: content('second') })
    expect(work.calls.map(({ params }) => params)).to.deep.equal(['{"n":1}', '{"n":2}'])
    expect(responses()).to.deep.equal(['first', 'second'])
  })

  it('[AG55] with a name or id that the wire does not take get another, the same each time', async () => {
    const toolCallId = `id\n${'x'.repeat(600)}`
    await tell('tool_call', { toolCallId, title: 't', kind: 'read', status: 'in_progress' })
    await tell('tool_call_update', { toolCallId, status: 'completed' })
    const [first] = work.calls
    expect(first?.callId).to.match(/^[0-9a-f]{64}$/)
    expect(work.resultsOf(first?.callId ?? '')).to.have.length(1)
  })

  it('[AG56] lose a field that cannot be read, not the call', async () => {
    await call({ status: 7, locations: 'here', content: [{ type: 'content', content: null }], rawInput: 'x' })
    expect(work.outline[0]).to.equal('call bash')
  })
})
