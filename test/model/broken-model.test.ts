import { expect } from 'chai'
import * as fc from 'fast-check'
import type { Breakage } from './breakage.ts'
import { histories, live } from './commands.ts'
import { World } from './world.ts'

/** A control run stops at the first history that shows the mistake; that many have to do. */
const CONTROL_RUNS = 2000
/** The same histories each time: a control that is luck is none. */
const CONTROL_SEED = 1

/** The promise that is found broken first: a viewer may see the mistake before the store does. */
async function foundBroken(breakage: Breakage): Promise<{ promise: string; after: number }> {
  const property = fc.asyncProperty(histories, (history) => live(history, new World(breakage)))
  const found = await fc.check(property, { numRuns: CONTROL_RUNS, seed: CONTROL_SEED, endOnFailure: true })
  const { errorInstance, numRuns, counterexample } = found
  // Nothing is wrong with this history where the mechanism is there.
  if (counterexample) await live(counterexample[0], new World())
  return { promise: errorInstance instanceof Error ? errorInstance.message : '', after: numRuns }
}

describe('the model of a relay notices', () => {
  const controls: [tag: string, breakage: Breakage, says: RegExp][] = [
    ['MD4', 'ack before commit', /^I1/],
    ['MD5', 'no dedup', /^I[24]/],
    ['MD6', 'no gap check', /^I[24]/],
    ['MD7', 'no fencing', /^I[1-5]/],
    ['MD8', 'rebuilt batch', /^I[124]/],
    ['MD9', 'end before words', /^I4/],
    ['MD10', 'end before commit', /^I4/],
    ['MD12', 'steers forgotten', /^I7/],
  ]
  for (const [tag, breakage, says] of controls) {
    it(`[${tag}] ${breakage}`, async () => {
      const { promise, after } = await foundBroken(breakage)
      if (process.env['MODEL_RUNS'] !== undefined) console.log(`${breakage}: history ${after}: ${promise}`)
      expect(promise).to.match(says)
    }).timeout(60_000)
  }
})
