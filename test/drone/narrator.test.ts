import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect } from 'chai'
import { sessionUpdate } from '../../src/drone/agent-update.ts'
import { Narrator } from '../../src/drone/narrator.ts'
import { FakeClock } from './fake-clock.ts'
import { RecordingWork } from './recording-work.ts'

const text = (words: string) => ({ type: 'text', text: words })
const call = { toolCallId: 'c', title: 'Read', kind: 'read', status: 'in_progress' }

describe('what an agent says', () => {
  const updates: [string, object][] = [
    ['a piece of the answer', { sessionUpdate: 'agent_message_chunk', content: text('Hello') }],
    ['a thought', { sessionUpdate: 'agent_thought_chunk', content: text('Hm') }],
    ['a tool call', { sessionUpdate: 'tool_call', ...call }],
    ['a result', { sessionUpdate: 'tool_call_update', ...call, status: 'completed' }],
    [
      'a plan',
      { sessionUpdate: 'plan', entries: [{ content: 'Look', priority: 'high', status: 'pending' }] },
    ],
  ]

  for (const [what, update] of updates) {
    it(`[AG40] waits for room: ${what}`, async () => {
      const waiting: (() => void)[] = []
      const room = () => new Promise<void>((resolve) => waiting.push(resolve))
      const work = new RecordingWork({ room })
      const options = {
        work,
        clock: new FakeClock(),
        onStatus: () => {},
        onPlan: () => {},
        meter: { spent: 0 },
      }
      const telling = new Narrator(options).tell(sessionUpdate.parse({ sessionId: 's', update }).update)
      const state = { told: false }
      const told = telling.finally(() => (state.told = true))
      for (let entries = 1; ; entries++) {
        await turnOfTheLoop()
        if (state.told) break
        expect(work.said).to.have.length(entries)
        expect(waiting).to.have.length(1)
        waiting.pop()?.()
      }
      await told
      expect(work.said.length).to.be.greaterThan(0)
    })
  }

  it('[AG5] that is no text is named, and the words of an embedded file are kept', async () => {
    const work = new RecordingWork()
    const narrator = new Narrator({
      work,
      clock: new FakeClock(),
      onStatus: () => {},
      onPlan: () => {},
      meter: { spent: 0 },
    })
    const blocks = [
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      { type: 'resource_link', name: 'a.ts', uri: 'file:///a.ts' },
      { type: 'resource', resource: { uri: 'file:///b', text: 'the words' } },
    ]
    for (const content of blocks) {
      const update = { sessionUpdate: 'agent_message_chunk', content }
      await narrator.tell(sessionUpdate.parse({ sessionId: 's', update }).update)
    }
    expect(work.answer).to.equal('[image image/png][a.ts](file:///a.ts)the words')
  })
})
