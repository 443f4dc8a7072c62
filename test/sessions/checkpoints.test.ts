import { expect } from 'chai'
import { Checkpoints } from '../../src/sessions/checkpoints.ts'
import { FakeClock } from '../support/fake-clock.ts'

describe('checkpoints to one drone', () => {
  let clock: FakeClock
  let told: string[]
  let checkpoints: Checkpoints

  beforeEach(() => {
    clock = new FakeClock()
    told = []
    const send = ({ turnId, attempt, lane, offset }: Parameters<Send>[0]): void =>
      void told.push(`${turnId}/${attempt}/${lane}:${offset}`)
    type Send = ConstructorParameters<typeof Checkpoints>[0]['send']
    checkpoints = new Checkpoints({ clock, send })
  })

  function stored(turnId: string, offset: number, { attempt = 1, lane = '' } = {}): void {
    checkpoints.stored(turnId, attempt, [{ lane, offset }])
  }

  it('[DR13] come at once after a pause, and then in rounds with the latest head of each lane', () => {
    stored('t', 5)
    expect(told.splice(0)).to.deep.equal(['t/1/:5'])
    clock.pass(10)
    stored('t', 7)
    stored('u', 2, { lane: 'agent' })
    stored('t', 9)
    expect(told).to.deep.equal([])
    clock.pass(40)
    expect(told.splice(0)).to.deep.equal(['t/1/:9', 'u/1/agent:2'])
    clock.pass(60)
    expect(told, 'nothing is said twice').to.deep.equal([])
    stored('t', 11)
    expect(told).to.deep.equal(['t/1/:11'])
  })

  it('[DR13] name only the later attempt where a turn has come to another', () => {
    stored('t', 5)
    stored('t', 6)
    stored('t', 1, { attempt: 2 })
    clock.pass(50)
    expect(told).to.deep.equal(['t/1/:5', 't/2/:1'])
  })

  it('[DR13] wait for nothing at an end, and not at all where the drone is gone', () => {
    stored('t', 5)
    stored('t', 6)
    checkpoints.tell()
    expect(told).to.deep.equal(['t/1/:5', 't/1/:6'])
    stored('t', 7)
    checkpoints.close()
    clock.pass(100)
    expect(told).to.have.lengthOf(2)
    expect(clock.waiting).to.equal(0)
  })
})
