import { expect } from 'chai'
import * as fc from 'fast-check'
import { lengthOf } from '../../src/turns/entry.ts'
import type { Entry } from '../../src/turns/entry.ts'
import { LaneLog } from '../../src/turns/lane-log.ts'
import type { AppendOutcome } from '../../src/turns/lane-log.ts'
import { isHalfAtEnd, kept, placedOf, someUnits, unitsOf } from './lane-model.ts'
import type { Unit } from './lane-model.ts'

/** Receives as the lane does, or with one check left out. */
type Receive = (log: LaneLog, offset: number, entry: Entry) => AppendOutcome

const asIs: Receive = (log, offset, entry) => log.append(offset, entry)
const withoutGapCheck: Receive = (log, offset, entry) => log.append(Math.min(offset, log.length), entry)
const withoutDedup: Receive = (log, offset, entry) =>
  log.append(offset + lengthOf(entry) <= log.length ? log.length : offset, entry)
const withoutTrimming: Receive = (log, offset, entry) =>
  log.append(offset < log.length && log.length < offset + lengthOf(entry) ? log.length : offset, entry)

type Step =
  | { readonly do: 'send'; readonly units: number }
  /** What was to be sent is lost on the way. */
  | { readonly do: 'drop'; readonly units: number }
  /** Sent again from further back. */
  | { readonly do: 'repeat'; readonly units: number }
  | { readonly do: 'forget'; readonly units: number }
  /** The receiver loses what it had not stored; the sender goes back to there. */
  | { readonly do: 'cut'; readonly units: number }

const steps = fc.array(
  fc.record({
    do: fc.constantFrom<Step['do']>('send', 'send', 'send', 'drop', 'repeat', 'forget', 'cut'),
    units: fc.nat(9),
  }),
  { maxLength: 60, size: 'max' },
)

/** A head of the relay at or before `offset`: those never lie inside a pair. */
function headAt(units: readonly Unit[], offset: number): number {
  return isHalfAtEnd(kept(units).slice(0, offset)) ? offset - 1 : offset
}

/** What lies before `cutAt` was settled once: a half there was left alone and does not wait any more. */
function expectModel(log: LaneLog, units: readonly Unit[], cutAt: number): void {
  const held = units.slice(0, log.length)
  const isWaiting = log.length > cutAt && isHalfAtEnd(held)
  expect(log.settled).to.equal(log.length - (isWaiting ? 1 : 0))
  expect(unitsOf(log.after(log.base), log.base)).to.deep.equal(kept(units).slice(log.base, log.settled))
}

function run(receive: Receive, units: readonly Unit[], script: readonly Step[]): void {
  const log = new LaneLog()
  let next = 0
  let cutAt = 0
  const send = (count: number): void => {
    const until = Math.min(units.length, next + count)
    for (const { offset, entry } of placedOf(units, next, until)) {
      const before = log.length
      const end = offset + lengthOf(entry)
      const outcome = receive(log, offset, entry)
      const expected = offset > before ? 'gap' : end <= before ? 'duplicate' : 'accepted'
      // The controls must be found wrong by what they end with.
      if (receive === asIs) expect(outcome).to.equal(expected)
      if (outcome === 'gap') {
        next = log.length
        return
      }
    }
    next = until
  }
  for (const step of script) {
    if (step.do === 'send') send(step.units)
    else if (step.do === 'drop') next = Math.min(units.length, next + step.units)
    else if (step.do === 'repeat') next = Math.max(0, next - step.units)
    else if (step.do === 'forget') log.forget(headAt(units, log.settled - step.units))
    else {
      cutAt = Math.max(log.base, headAt(units, log.settled - step.units))
      log.cut(cutAt)
      next = Math.min(next, cutAt)
    }
    expectModel(log, units, cutAt)
  }
  next = log.length
  send(units.length)
  log.closeHalf()
  expect(unitsOf(log.after(log.base), log.base)).to.deep.equal(kept(units).slice(log.base))
}

const property = (receive: Receive) =>
  fc.property(someUnits, steps, (units, script) => run(receive, units, script))

describe('a lane under any cutting, merging, repeating and losing', () => {
  it('[TL12] ends as the naive lane does', () => {
    fc.assert(property(asIs), { numRuns: 500 })
  })

  for (const [name, receive] of Object.entries({ withoutGapCheck, withoutDedup, withoutTrimming })) {
    it(`[TL12] is found wrong ${name.replace(/([A-Z])/g, ' $1').toLowerCase()} (control)`, () => {
      expect(fc.check(property(receive), { numRuns: 2000 }).failed).to.equal(true)
    })
  }
})
