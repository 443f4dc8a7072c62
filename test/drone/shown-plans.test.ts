import { expect } from 'chai'
import { ShownPlans } from '../../src/drone/shown-plans.ts'

describe('the plans that a drone shows', () => {
  it('[AG65] are those of the sessions that planned last, each in one place', () => {
    const shown = new Map<string, string | undefined>()
    const plans = new ShownPlans({
      show: ({ surfaceId, chatSessionId }) => shown.set(surfaceId, chatSessionId),
      hide: (surfaceId) => shown.delete(surfaceId),
    })
    for (let session = 0; session < 30; session++) {
      plans.tell(`chat-${session}`, [{ content: 'Look', status: 'pending' }])
      // It goes on all the time: never the oldest.
      plans.tell('chat-busy', [{ content: `Look ${session}` }])
    }
    expect(shown.size).to.equal(20)
    expect([...shown.values()]).to.include.members(['chat-busy', 'chat-29', 'chat-11'])
    plans.tell('chat-busy', [])
    plans.tell('chat-of-nobody', [])
    expect(shown.size).to.equal(19)
    expect([...shown.values()]).to.not.include('chat-busy')
  })
})
