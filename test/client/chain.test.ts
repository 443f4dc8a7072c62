import { expect } from 'chai'
import * as fc from 'fast-check'
import { kept, placedOf, someUnits, unitsOf } from '../turns/lane-model.ts'
import { Chain } from './chain.ts'

const steps = fc.array(
  fc.record({
    do: fc.oneof(
      { weight: 8, arbitrary: fc.constant('say' as const) },
      { weight: 8, arbitrary: fc.constant('flush' as const) },
      { weight: 12, arbitrary: fc.constant('up' as const) },
      { weight: 12, arbitrary: fc.constant('down' as const) },
      { weight: 3, arbitrary: fc.constantFrom('store', 'reconnect', 'rejoin', 'crash') },
    ),
    lane: fc.constantFrom('', 'agent'),
    count: fc.integer({ min: 1, max: 6 }),
    fate: fc.constantFrom('arrive', 'arrive', 'arrive', 'drop', 'repeat'),
  }),
  { maxLength: 80, size: 'max' },
)

describe('words from the drone through the relay to the viewer', () => {
  it('[DC1] arrive once and in order, whatever is lost, repeated, stored, or crashes', () => {
    fc.assert(
      fc.property(someUnits, someUnits, steps, (own, agents, script) => {
        const chain = new Chain()
        const said = new Map([
          ['', { units: own, until: 0 }],
          ['agent', { units: agents, until: 0 }],
        ])
        const say = (lane: string, count: number): void => {
          const words = said.get(lane)
          if (!words) return
          const until = Math.min(words.units.length, words.until + count)
          for (const { entry } of placedOf(words.units, words.until, until)) chain.outbox.append(lane, entry)
          words.until = until
        }
        for (const { do: what, lane, count, fate } of script) {
          if (what === 'say') say(lane, count)
          else if (what === 'flush') chain.flush(count)
          else if (what === 'up') for (let one = 0; one < count; one++) chain.passUp(fate)
          else if (what === 'down') for (let one = 0; one < count; one++) chain.passDown(fate)
          else chain[what]()
        }
        for (const lane of said.keys()) say(lane, Number.POSITIVE_INFINITY)
        chain.finish()
        for (const [lane, { units }] of said) {
          expect(unitsOf(chain.stored(lane), 0)).to.deep.equal(kept(units))
          expect(unitsOf(chain.heard.get(lane) ?? [], 0)).to.deep.equal(kept(units))
        }
        expect([chain.outbox.bytes, chain.unsent]).to.deep.equal([0, false])
      }),
      { numRuns: 400 },
    )
  })
})
