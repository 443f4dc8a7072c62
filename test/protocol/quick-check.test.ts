import { expect } from 'chai'
import * as fc from 'fast-check'
import { droneUp } from '../../src/protocol/drone-up.ts'
import { isPlacedText } from '../../src/protocol/quick-check.ts'

const at = { turnId: 'turn-1', attempt: 1, lane: 'sub', offset: 0 }

/** A value for each field that is right, and some that are wrong in all the ways that JSON has. */
function field(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 20, arbitrary: right }, fc.jsonValue({ maxDepth: 1 }), fc.constant(undefined))
}

const strings = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '\ud800', 'a\u0007'))
const offsets = fc.oneof(fc.nat(), fc.constantFrom(-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY))
const known = {
  turnId: field(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)),
  attempt: field(fc.integer({ min: 0, max: 3 })),
  lane: field(strings),
  offset: field(offsets),
}
const requiredKeys: (keyof typeof known)[] = ['turnId', 'attempt', 'offset']
const positions = fc.oneof(
  { weight: 4, arbitrary: fc.record(known, { requiredKeys }) },
  fc.record({ ...known, ['__proto__']: fc.constant(1), more: fc.jsonValue() }, { requiredKeys }),
)
const events = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(field(strings), positions) },
  fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
)

describe('the quick check of texts', () => {
  it('[WS7] takes only what the schema gives back as it is', () => {
    let taken = 0
    const agrees = (args: unknown[]): void => {
      if (!isPlacedText(args)) return
      taken += 1
      for (const name of ['thinking', 'response'] as const) {
        const parsed = droneUp[name].args.safeParse(args)
        expect(parsed.success).to.equal(true)
        expect(parsed.data).to.deep.equal(args)
      }
    }
    fc.assert(fc.property(events, agrees), { numRuns: 5000 })
    expect(taken, 'that proves something').to.be.above(500)
  })

  it('[WS7] takes what drones say', () => {
    const { lane: _lane, ...inMainLane } = at
    for (const place of [at, inMainLane, { ...at, lane: '' }, { ...at, attempt: 7, offset: 2 ** 40 }])
      expect(isPlacedText(['word', place])).to.equal(true)
  })

  it('[WS7] leaves everything else to the schema', () => {
    const hidden: unknown = JSON.parse('{"turnId":"t","attempt":1,"offset":0,"__proto__":{"lane":"x"}}')
    const bad = [
      [],
      ['word'],
      ['word', null],
      ['word', at, 1],
      [1, at],
      ['word', [at]],
      ['word', { ...at, lane: null }],
      ['word', { ...at, more: 1 }],
      ['word', { ...at, lane: undefined, offset: -1 }],
      ['word', hidden],
    ]
    for (const args of bad) expect(isPlacedText(args), JSON.stringify(args)).to.equal(false)
  })
})
