import { expect } from 'chai'
import * as fc from 'fast-check'
import { histories, live } from './commands.ts'
import { RUNS, SEED } from './runs.ts'
import { World } from './world.ts'

describe('a relay between drones and viewers', () => {
  it('[MD1] keeps every promise in every history of lost, late, repeated and overtaking events and commits', async () => {
    const property = fc.asyncProperty(histories, (history) => live(history, new World()))
    await fc.assert(property, { numRuns: RUNS, ...SEED })
  }).timeout(0)

  it('[MD2] lives through the same history in the same way', async () => {
    for (const history of fc.sample(histories, { numRuns: 20, ...SEED })) {
      // The waits of `ChatSessions` for a store that is away have a jitter that cannot be chosen.
      if ([...history.deeds].some((deed) => /"fate":"(done,|lost|late)/.test(String(deed)))) continue
      const worlds = [new World(), new World()]
      for (const world of worlds) await live(history, world)
      const [once, again] = worlds.map((world) => world.trace.join('\n'))
      expect(once).to.equal(again)
    }
  })
})
