import { expect } from 'chai'
import { AgentSession } from '../../src/drone/agent-session.ts'
import { AgentTurn } from '../../src/drone/agent-turn.ts'
import type { AgentTurnOptions } from '../../src/drone/agent-turn.ts'
import { RecordingLogger } from './demo-host.ts'
import { FakeClock } from './fake-clock.ts'
import { RecordingWork } from './recording-work.ts'

const CANCEL_MS = 1_000

/** A turn with an agent that answers when it is told to, and keeps what is done to it. */
function turnOf(options: { work?: RecordingWork } = {}) {
  const { work = new RecordingWork() } = options
  const done: string[] = []
  const clock = new FakeClock()
  let resolve: (answer: unknown) => void = () => {}
  let ask = () => {}
  const asked = new Promise<void>((resolveIt) => (ask = resolveIt))
  const answered = new Promise<unknown>((resolveIt) => (resolve = resolveIt))
  const agent = {
    abilities: {},
    heldUp: false,
    prompt: () => {
      ask()
      return answered
    },
    ask: () => Promise.reject(new Error('nothing is asked here')),
    cancel: async () => void done.push('cancel'),
    kill: () => void done.push('kill'),
  }
  const logger = new RecordingLogger()
  const session = new AgentSession({ id: 's', cwd: '/w', isFresh: true, answer: {}, logger })
  const more = {
    agent: agent as unknown as AgentTurnOptions['agent'],
    onStatus: () => {},
    onPlan: () => {},
    cancelMs: CANCEL_MS,
  }
  const running = new AgentTurn({ work, session, clock, ...more }).run()
  return { work, asked, done, clock, agent, running, answer: (stopReason: string) => resolve({ stopReason }) }
}

describe('one turn of an agent', () => {
  it('[AG20] is not cancelled by the abort that comes with its own end', async () => {
    const { work, done, clock, running, answer } = turnOf()
    answer('end_turn')
    await running
    clock.pass(10 * CANCEL_MS)
    expect(work.signal.aborted).to.equal(true)
    expect(done).to.deep.equal([])
  })

  it('[AG21] has its agent killed when it does not answer, but not while it is not read', async () => {
    const { work, asked, done, clock, agent, running, answer } = turnOf()
    await asked
    work.abort()
    agent.heldUp = true
    clock.pass(CANCEL_MS)
    expect(done).to.deep.equal(['cancel'])
    agent.heldUp = false
    clock.pass(CANCEL_MS)
    expect(done).to.deep.equal(['cancel', 'kill'])
    answer('cancelled')
    await running
    expect(work.end).to.equal(undefined)
  })

  it('[AG27] that its agent cancels of itself fails', async () => {
    const { work, running, answer } = turnOf()
    answer('cancelled')
    await running
    expect(work.end).to.deep.equal({ success: false, message: 'cancelled' })
  })
})
