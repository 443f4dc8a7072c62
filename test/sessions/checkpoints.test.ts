import { expect } from 'chai'
import { Checkpoints } from '../../src/sessions/checkpoints.ts'
import { Rounds } from '../../src/sessions/rounds.ts'
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
    checkpoints = new Checkpoints({ clock, rounds: new Rounds(clock), send })
  })

  function stored(turnId: string, offset: number, { attempt = 1, lane = '' } = {}): void {
    checkpoints.stored(turnId, attempt, [{ lane, offset }])
  }

  /** Told as often as may be without keeping to the pace. */
  function busy(): void {
    for (let offset = 1; offset <= 3; offset++) stored('t', offset)
    expect(told.splice(0)).to.deep.equal(['t/1/:1', 't/1/:2', 't/1/:3'])
  }

  it('[DR13] come at once to a drone that was told little lately, and then in rounds with the latest heads', () => {
    busy()
    clock.pass(70)
    stored('t', 7)
    stored('u', 2, { lane: 'agent' })
    stored('t', 8)
    clock.pass(19)
    expect(told).to.deep.equal([])
    clock.pass(1)
    expect(told.splice(0), 'all of one commit').to.deep.equal(['t/1/:8', 'u/1/agent:2'])
    for (let round = 0; round < 3; round++) {
      for (const offset of [10, 11, 12, 13]) {
        expect(told, 'who speaks fast is told at half the pace').to.deep.equal([])
        stored('t', offset)
        clock.pass(45)
      }
      expect(told.splice(0)).to.deep.equal(['t/1/:13'])
    }
    clock.pass(360)
    expect(told, 'nothing is said twice').to.deep.equal([])
    busy()
  })

  it('[DR13] come at once where much was said: the drone may wait for room', () => {
    busy()
    for (const offset of [10_000, 20_000, 30_000, 40_000]) {
      checkpoints.came(10_000)
      stored('t', offset)
    }
    expect(told).to.deep.equal(['t/1/:20000', 't/1/:40000'])
  })

  it('[DR13] name only the later attempt where a turn has come to another', () => {
    busy()
    stored('t', 6)
    stored('t', 1, { attempt: 2 })
    clock.pass(90)
    expect(told).to.deep.equal(['t/2/:1'])
  })

  it('[DR13] wait for nothing at an end, and not at all where the drone is gone', () => {
    busy()
    stored('t', 6)
    checkpoints.tell()
    expect(told.splice(0)).to.deep.equal(['t/1/:6'])
    stored('t', 7)
    checkpoints.close()
    clock.pass(500)
    expect(told).to.deep.equal([])
    expect(clock.waiting).to.equal(0)
  })
})
