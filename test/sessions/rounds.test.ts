import { expect } from 'chai'
import { Rounds } from '../../src/sessions/rounds.ts'
import { FakeClock } from '../support/fake-clock.ts'

describe('rounds of what many sessions send', () => {
  let clock: FakeClock
  let rounds: Rounds
  let sent: string[]

  beforeEach(() => {
    clock = new FakeClock()
    rounds = new Rounds(clock)
    sent = []
  })

  function join(...names: string[]): void {
    for (const name of names) rounds.join(() => void sent.push(name))
  }

  it('[VW22] keep nobody waiting where nothing was sent a moment ago', () => {
    join('first')
    expect(sent).to.deep.equal(['first'])
    clock.pass(3)
    join('second')
    expect(sent).to.deep.equal(['first', 'second'])
    expect(clock.waiting).to.equal(0)
  })

  it('[VW22] gather what comes within 3 ms, and send it in the order it came', () => {
    join('first')
    clock.pass(1)
    join('a', 'b')
    clock.pass(1)
    join('c')
    expect(sent).to.deep.equal(['first'])
    clock.pass(1)
    expect(sent).to.deep.equal(['first', 'a', 'b', 'c'])
    join('d')
    clock.pass(2)
    expect(sent, 'a round was a moment ago').to.have.length(4)
    clock.pass(1)
    expect(sent.at(-1)).to.equal('d')
  })

  it('[VW22] take what joins during a round into the next', () => {
    join('first')
    rounds.join(() => join('late'))
    clock.pass(3)
    expect(sent).to.deep.equal(['first'])
    clock.pass(3)
    expect(sent).to.deep.equal(['first', 'late'])
  })
})
