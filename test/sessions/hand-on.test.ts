import { expect } from 'chai'
import { HandOn } from '../../src/sessions/hand-on.ts'
import { Rounds } from '../../src/sessions/rounds.ts'
import { FakeClock } from '../support/fake-clock.ts'

const MERGE_MS = 35

describe('what a follower hands on', () => {
  let clock: FakeClock
  let handOn: HandOn
  let handedAt: number[]

  beforeEach(() => {
    clock = new FakeClock()
    handedAt = []
    const done = (): void => {
      handedAt.push(clock.ticks())
      handOn.done()
    }
    handOn = new HandOn({ clock, rounds: new Rounds(clock), mergeMs: MERGE_MS, handOn: done })
  })

  function come(everyMs: number, times: number): void {
    for (let time = 0; time < times; time++) {
      handOn.soon()
      clock.pass(everyMs)
    }
  }

  it('[VW24] gathers while pieces come close to each other, the first after a silence at once', () => {
    come(10, 12)
    expect(handedAt).to.deep.equal([0, 36, 72, 108])
  })

  it('[VW24] keeps no piece of somebody who gathers already, however late the last one was handed on', () => {
    come(40, 3)
    expect(handedAt).to.deep.equal([0, 40, 80])
    handOn.soon()
    handOn.done()
    clock.pass(25)
    handOn.soon()
    expect(handedAt.at(-1)).to.equal(145)
  })

  it('[VW24] hands nothing on once it is closed', () => {
    come(10, 2)
    handOn.close()
    clock.pass(100)
    expect(handedAt).to.deep.equal([0])
  })
})
