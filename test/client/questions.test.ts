import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { DroneWork } from '../../src/client/drone-work.ts'
import { Questions } from '../../src/client/questions.ts'
import type { WorkOrder } from '../../src/protocol/drone-down.ts'
import { FakeClock } from '../support/fake-clock.ts'

const ORDER: WorkOrder = {
  turnId: 't',
  attempt: 1,
  chatSessionId: 'c',
  workspaceId: 'w',
  prompt: '',
  history: [],
}
const LIMITS = { textUnits: 1000, toolBytes: 1000, eventBytes: 10_000, windowBytes: 2000 }

describe('what a drone asks people', () => {
  it('[SK10] costs one listener a work, however much it asks, and all of it is over with the work', async () => {
    const wire = { up: true, ask: () => Promise.resolve({ ok: true }) }
    const questions = new Questions({ wire, clock: new FakeClock() })
    const work = new DroneWork(ORDER, {
      limits: LIMITS,
      flushSoon: () => undefined,
      flushNow: () => undefined,
      hasRoom: () => true,
      sendUsage: () => undefined,
      ask: (one, request) => questions.ask(one, request),
    })
    const asked = Array.from({ length: 20 }, () => work.ask({ title: 'May I?', options: [] }))
    expect(getEventListeners(work.signal, 'abort')).to.have.lengthOf(1)
    work.over('The turn was stopped.')
    expect(await Promise.all(asked)).to.deep.equal(asked.map(() => undefined))
  })
})
