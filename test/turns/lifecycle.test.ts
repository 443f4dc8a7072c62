import { expect } from 'chai'
import { decide, phaseOf } from '../../src/turns/lifecycle.ts'
import type {
  Decision,
  Effect,
  LifeEvent,
  LifePolicy,
  Phase,
  RetryPolicy,
} from '../../src/turns/lifecycle.ts'
import type { Assignment, EarlierAttempt, TurnState } from '../../src/turns/turn-store.ts'

const NOW = 1000
const policy: LifePolicy = { maxAttempts: 3, retryPolicy: 'ask' }

const to: Assignment = {
  registrationId: 'r2',
  droneId: 'd2',
  workspaceId: 'w',
  instanceId: 'i2',
  acknowledged: false,
}
const had: Assignment = {
  registrationId: 'r1',
  droneId: 'd1',
  workspaceId: 'w',
  instanceId: 'i1',
  acknowledged: true,
}
const base = { attempt: 2, toolCallCount: 0, earlier: [], startedAt: 500 }

const states: Record<Phase, TurnState> = {
  queued: { attempt: 2, toolCallCount: 0, earlier: [], status: 'queued' },
  offered: { ...base, status: 'processing', assigned: { ...had, acknowledged: false } },
  working: { ...base, status: 'processing', assigned: had },
  recovering: { ...base, status: 'recovering', assigned: had, reason: 'crashed' },
  asking: { ...base, status: 'recovering', assigned: had, reason: 'crashed', sideEffects: true, asks: true },
  ended: { ...base, status: 'finished', assigned: had, endedAt: 900 },
}

const lost: LifeEvent = { type: 'ownerLost', attempt: 2, reason: 'gone' }
const events = {
  assign: { type: 'assign', to },
  acknowledged: { type: 'acknowledged', attempt: 2 },
  'acknowledged, of another attempt': { type: 'acknowledged', attempt: 1 },
  ownerLost: lost,
  'ownerLost, of another attempt': { ...lost, attempt: 1 },
  'ownerLost, for good': { ...lost, final: true },
  'completed with success': { type: 'completed', success: true, message: 'ignored' },
  'completed without success': { type: 'completed', success: false, message: 'why' },
  abort: { type: 'abort', reason: 'stop' },
  retry: { type: 'retry' },
  expired: { type: 'expired', reason: 'too late' },
  exceeded: { type: 'exceeded', reason: 'too much' },
} satisfies Record<string, LifeEvent>

const nothing: Decision = { do: 'nothing' }
const update = (
  change: Extract<Decision, { do: 'update' }>['change'],
  effect: Effect = 'none',
): Decision => ({
  do: 'update',
  change,
  effect,
})

const assigned = update({ status: 'processing', assigned: to, startedAt: NOW }, 'offer')
const acknowledged = update({ assigned: had })
const recovering = update({ status: 'recovering', reason: 'gone' }, 'wait')
const failed = (reason: string, effect?: Effect) => update({ status: 'failed', endedAt: NOW, reason }, effect)
const finished = update({ status: 'finished', endedAt: NOW })
const aborted = (effect?: Effect) => update({ status: 'aborted', endedAt: NOW, reason: 'stop' }, effect)
const ended = {
  attempt: 2,
  reason: 'crashed',
  acknowledged: true,
  droneId: 'd1',
  startedAt: 500,
  endedAt: NOW,
}
const succeeded: Decision = {
  do: 'succeed',
  change: { status: 'processing', assigned: to, startedAt: NOW },
  ended: { ended, borrows: false },
  effect: 'offer',
}

type Row = [tag: string, expected: Record<Exclude<Phase, 'ended'>, Decision>]
const each = (decision: Decision) => ({
  queued: decision,
  offered: decision,
  working: decision,
  recovering: decision,
  asking: decision,
})

const table: Record<keyof typeof events, Row> = {
  assign: ['LC2', { ...each(nothing), queued: assigned, recovering: succeeded }],
  acknowledged: ['LC3', { ...each(nothing), offered: acknowledged }],
  'acknowledged, of another attempt': ['LC3', each(nothing)],
  ownerLost: ['LC4', { ...each(nothing), offered: recovering, working: recovering }],
  'ownerLost, of another attempt': ['LC4', each(nothing)],
  'ownerLost, for good': ['LC7', { ...each(failed('gone')), queued: nothing, asking: nothing }],
  'completed with success': ['LC6', { ...each(nothing), offered: finished, working: finished }],
  'completed without success': ['LC6', { ...each(nothing), offered: failed('why'), working: failed('why') }],
  abort: [
    'LC8',
    {
      queued: aborted(),
      offered: aborted('stop'),
      working: aborted('stop'),
      recovering: aborted(),
      asking: update({ status: 'aborted', endedAt: NOW, reason: 'stop', asks: false }),
    },
  ],
  retry: ['LC12', { ...each(nothing), asking: update({ asks: false }, 'wait') }],
  expired: [
    'LC9',
    {
      ...each(nothing),
      queued: failed('too late'),
      recovering: failed('too late'),
      asking: update({ status: 'failed', endedAt: NOW, reason: 'too late', asks: false }),
    },
  ],
  exceeded: [
    'LC13',
    { ...each(nothing), offered: failed('too much', 'stop'), working: failed('too much', 'stop') },
  ],
}

describe('the life of a turn', () => {
  for (const phase of ['queued', 'offered', 'working', 'recovering', 'asking'] as const) {
    for (const [name, event] of Object.entries(events)) {
      const [tag, expected] = table[name as keyof typeof events]
      const does = expected[phase].do === 'nothing' ? 'changes nothing for' : 'decides on'
      it(`[${tag}] ${phase}: ${does} ${name}`, () => {
        expect(phaseOf(states[phase])).to.equal(phase)
        expect(decide(states[phase], event, NOW, policy)).to.deep.equal(expected[phase])
      })
    }
  }

  for (const status of ['finished', 'failed', 'aborted'] as const) {
    it(`[LC1] changes nothing of a turn that is ${status}, whatever happens`, () => {
      const state = { ...states.ended, status }
      expect(phaseOf(state)).to.equal('ended')
      for (const event of Object.values<LifeEvent>(events)) {
        const expected = event.type === 'retry' && status !== 'finished' ? { do: 'reopen' } : nothing
        expect(decide(state, event, NOW, policy)).to.deep.equal(expected)
      }
    })
  }

  describe('[LC11] after a tool with side effects had started', () => {
    const state = { ...states.working, sideEffects: true }
    const after = (retryPolicy: RetryPolicy): Decision =>
      decide(state, { ...lost, reason: 'Gone.' }, NOW, { ...policy, retryPolicy })

    it('asks before the next attempt', () => {
      const reason = 'Gone. A tool that changes things had started: it is tried again when somebody says so.'
      expect(after('ask')).to.deep.equal(update({ status: 'recovering', reason, asks: true }, 'ask'))
    })

    it('tries again where that is the policy', () => {
      expect(after('always')).to.deep.equal(update({ status: 'recovering', reason: 'Gone.' }, 'wait'))
    })

    it('fails the turn where it is never to be tried again', () => {
      expect(after('never')).to.deep.equal(
        failed('Gone. A tool that changes things had started: it is not tried again.'),
      )
    })

    it('does not ask for an attempt that there may not be', () => {
      const last = decide(state, lost, NOW, { ...policy, maxAttempts: 1 })
      expect(last).to.deep.equal(failed('gone'))
    })
  })

  const earlier = (attempt: number, acknowledged: boolean): EarlierAttempt => ({
    attempt,
    reason: 'crashed',
    acknowledged,
    droneId: 'd',
    startedAt: 1,
    endedAt: 2,
    lanes: [],
  })
  const after = (...acknowledged: boolean[]): TurnState => ({
    ...states.working,
    earlier: acknowledged.map((yes, index) => earlier(index + 1, yes)),
  })

  it('[LC7] fails a turn after as many acknowledged attempts as it may have', () => {
    expect(decide(after(true), lost, NOW, policy)).to.deep.equal(recovering)
    expect(decide(after(true, true), lost, NOW, policy)).to.deep.equal(failed('gone (after 3 attempts)'))
  })

  it('[LC7] does not count attempts whose order nobody acknowledged', () => {
    expect(decide(after(true, false, false, false), lost, NOW, policy)).to.deep.equal(recovering)
    const offered = { ...after(true, true), assigned: { ...had, acknowledged: false } }
    expect(decide(offered, lost, NOW, policy)).to.deep.equal(recovering)
    expect(decide(states.working, lost, NOW, { ...policy, maxAttempts: 1 })).to.deep.equal(failed('gone'))
  })

  it('[LC7] fails a turn that was offered ten times and that nobody acknowledged', () => {
    const offered = (offers: number): TurnState => ({
      ...after(...Array<boolean>(offers - 1).fill(false)),
      assigned: { ...had, acknowledged: false },
    })
    expect(decide(offered(9), lost, NOW, policy)).to.deep.equal(recovering)
    expect(decide(offered(10), lost, NOW, policy)).to.deep.equal(failed('gone (after 10 offers)'))
  })

  it('[LC4] takes both triggers of one loss as one', () => {
    const again = { ...states.working, status: 'recovering', reason: 'gone' } as const
    expect(decide(again, lost, NOW, policy)).to.deep.equal(nothing)
  })

  it('[LC2] says of an attempt without a reason that it was given up', () => {
    const { reason: _reason, assigned: _assigned, startedAt: _startedAt, ...bare } = states.recovering
    const decision = decide(bare, events.assign, NOW, policy)
    if (decision.do !== 'succeed') throw new Error('expected the next attempt')
    expect(decision.ended.ended).to.deep.equal({
      ...ended,
      reason: 'given up',
      acknowledged: false,
      droneId: '',
      startedAt: NOW,
    })
  })
})
