import { expect } from 'chai'
import * as fc from 'fast-check'
import { decide, RETRY_POLICIES } from '../../src/turns/lifecycle.ts'
import type { LifeEvent, LifePolicy } from '../../src/turns/lifecycle.ts'
import { Life } from './life.ts'
import { RUNS, SEED } from './runs.ts'

/** What happens to a turn; an event may be about the present attempt or one before or after it. */
type Happening = 'stored' | 'tool' | ((attempt: number) => LifeEvent)

class Step implements fc.Command<object, Life> {
  readonly #name: string
  readonly #happening: Happening
  readonly #late: number

  constructor(name: string, happening: Happening, late: number) {
    this.#name = name
    this.#happening = happening
    this.#late = late
  }

  check(): boolean {
    return true
  }

  run(_: object, life: Life): void {
    if (this.#happening === 'stored') life.store()
    else if (this.#happening === 'tool') life.callTool()
    else life.happen(this.#happening(life.state.attempt - this.#late))
  }

  toString(): string {
    return `${this.#name}${this.#late === 0 ? '' : ` (${-this.#late})`}`
  }
}

const reason = 'gone'
const to = { registrationId: 'r', droneId: 'd', workspaceId: 'w', instanceId: 'i', acknowledged: false }

const happenings: readonly [weight: number, name: string, Happening][] = [
  [8, 'stored', 'stored'],
  [1, 'tool', 'tool'],
  [10, 'assign', () => ({ type: 'assign', to })],
  [6, 'acknowledged', (attempt) => ({ type: 'acknowledged', attempt })],
  [8, 'ownerLost', (attempt) => ({ type: 'ownerLost', attempt, reason })],
  [1, 'ownerLost for good', (attempt) => ({ type: 'ownerLost', attempt, reason, final: true })],
  [1, 'completed', () => ({ type: 'completed', success: true })],
  [1, 'completed without success', () => ({ type: 'completed', success: false, message: reason })],
  [1, 'abort', () => ({ type: 'abort', reason })],
  [2, 'retry', () => ({ type: 'retry' })],
  [1, 'expired', () => ({ type: 'expired', reason })],
  [1, 'exceeded', () => ({ type: 'exceeded', reason })],
]

const step = fc.oneof(
  ...happenings.map(([weight, name, happening]) => ({
    weight,
    arbitrary: fc.constantFrom(0, 0, 0, 0, 1, -1).map((late) => new Step(name, happening, late)),
  })),
)
const lives = fc.commands<object, Life>([step], { maxCommands: 80, size: 'max' })
const policies: fc.Arbitrary<LifePolicy> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  retryPolicy: fc.constantFrom(...RETRY_POLICIES),
})

type Decide = typeof decide

function lived(decides: Decide): fc.IProperty<[LifePolicy, Iterable<fc.Command<object, Life>>]> {
  return fc.property(policies, lives, (policy, steps) =>
    fc.modelRun(() => ({ model: {}, real: new Life(policy, decides) }), steps),
  )
}

describe('the life of a turn, whatever happens', () => {
  it('[MD3] keeps its ends, counts its attempts up, and has no more of them than it may', () => {
    fc.assert(lived(decide), { numRuns: RUNS, ...SEED })
  }).timeout(0)

  const controls: [name: string, broken: Decide, says: RegExp][] = [
    [
      'one attempt too many',
      (state, event, now, policy) =>
        decide(state, event, now, { ...policy, maxAttempts: policy.maxAttempts + 1 }),
      /^LC7/,
    ],
    [
      'an attempt that is lost after it was given up',
      (state, event, now, policy) =>
        decide(state, event.type === 'ownerLost' ? { ...event, attempt: state.attempt } : event, now, policy),
      /^LC4/,
    ],
    [
      'an end that does not last',
      (state, event, now, policy) =>
        decide(event.type === 'assign' ? { ...state, status: 'recovering' } : state, event, now, policy),
      /^LC1/,
    ],
  ]
  for (const [name, broken, says] of controls) {
    it(`[MD11] notices ${name}`, () => {
      const found = fc.check(lived(broken), { numRuns: 500, seed: 1, endOnFailure: true })
      const { errorInstance } = found
      expect(errorInstance instanceof Error ? errorInstance.message : 'nothing').to.match(says)
    })
  }
})
