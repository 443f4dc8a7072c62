import { expect } from 'chai'
import { DroneNews } from '../../src/sessions/drone-news.ts'
import type { DroneRecord } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

function drone(droneId: string, userId: string): DroneRecord {
  const registration = { name: droneId, workspaceId: 'w1', hostname: 'h' }
  return { registrationId: `r-${droneId}`, droneId, userId, registration, lastSeenAt: 0 } as DroneRecord
}

describe('news of drones', () => {
  const mine = drone('d1', 'ann')
  const other = drone('d2', 'bob')
  let clock: FakeClock
  let state: 'away' | 'online' | 'busy'
  let told: string[]
  let offers: string[]
  let news: DroneNews

  beforeEach(() => {
    clock = new FakeClock()
    told = []
    offers = []
    news = new DroneNews({
      clock,
      viewOf: ({ droneId }) => ({ droneId, name: droneId, workspaceId: 'w1', state }),
      tellUser: (userId, view) => void told.push(`${userId}: ${view.droneId} ${view.state}`),
      tellOffers: (userId) => void offers.push(userId),
      tellFleet: () => void told.push('fleet'),
    })
  })

  it('[VW17] tell a user once of what became of a drone in a moment, and operators a little later', () => {
    for (const next of ['away', 'online', 'busy'] as const) {
      state = next
      news.changed(mine)
    }
    news.changed(other)
    expect(told).to.deep.equal([])
    clock.pass(100)
    expect(told).to.deep.equal(['ann: d1 busy', 'bob: d2 busy'])
    clock.pass(150)
    expect(told.slice(2)).to.deep.equal(['fleet'])
    expect(clock.waiting).to.equal(0)
  })

  it('[CO1] look once a moment whether what a user is offered has changed', () => {
    news.offersChanged('ann')
    news.offersChanged('ann')
    state = 'busy'
    news.changed(mine)
    news.changed(other)
    expect(offers).to.deep.equal([])
    clock.pass(100)
    expect(offers).to.deep.equal(['ann', 'bob'])
    clock.pass(1000)
    expect(offers).to.have.lengthOf(2)
  })

  it('[VW17] tell of what changes after that', () => {
    state = 'busy'
    news.changed(mine)
    clock.pass(100)
    state = 'away'
    news.changed(mine)
    clock.pass(100)
    expect(told).to.deep.equal(['ann: d1 busy', 'ann: d1 away'])
  })

  it('[VW17] tell nothing once they are closed', () => {
    state = 'busy'
    news.changed(mine)
    news.close()
    clock.pass(1000)
    expect(told).to.deep.equal([])
  })
})
