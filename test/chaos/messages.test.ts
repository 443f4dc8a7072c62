import { expect } from 'chai'
import type { StoredTurn, ToldAttempt } from '../../scripts/chaos/checker.ts'
import type { Speech } from '../../scripts/chaos/journal.ts'
import { judgeMessages, unaccounted } from '../../scripts/chaos/messages.ts'

function turn(
  turnId: string,
  prompt: string,
  steers: string[] = [],
  last: Partial<ToldAttempt> = {},
): StoredTurn {
  const attempts = [{ turnId, attempt: 1, status: 'finished', lanes: [], ...last }]
  return { turnId, chatSessionId: 'c', prompt, steers, attempts }
}

function taker(turnId: string, ...steered: string[]): Speech {
  const lanes = new Map<string, never[]>()
  const names = { turnId, attempt: 1, speaker: 'a', droneId: 'd', beganAt: 0 }
  const end = { ended: true, overAt: undefined, why: undefined }
  return { ...names, lanes, stored: new Map(), steered: new Set(steered), ...end }
}

const wrongs = (turns: readonly StoredTurn[], queued: readonly string[], speeches: readonly Speech[] = []) =>
  judgeMessages([{ turns: new Map([['m1', 't1']]), queued: new Set(queued) }], turns, speeches).map(
    ({ wrong }) => wrong,
  )

describe('the messages of the chaos harness', () => {
  const first = turn('t1', 'm1', ['m2'])

  it('[CH3] are each one turn, or in one', () => {
    expect(wrongs([first, turn('t2', 'm3')], ['m2', 'm3'], [taker('t1', 'm2')])).to.deep.equal([])
    expect(unaccounted(['m2', 'm3', 'm4'], [{ prompt: 'm3', steers: [{ messageId: 'm2' }] }])).to.deep.equal([
      'm4',
    ])
  })

  it('[CH3] are missed where one has become nothing', () => {
    expect(wrongs([turn('t1', 'm1')], ['m2'])).to.deep.equal(['lost'])
    expect(wrongs([turn('t2', 'm3')], ['m3'])).to.deep.equal(['lost'])
  })

  it('[CH3] are noticed twice: as two turns, in two, in one and as one, or done and not noted', () => {
    expect(wrongs([first, turn('t2', 'm1')], [])).to.deep.equal(['duplicated'])
    expect(wrongs([first, turn('t2', 'm3', ['m2'])], [])).to.deep.equal(['duplicated'])
    expect(wrongs([first, turn('t2', 'm2')], [])).to.deep.equal(['duplicated'])
    expect(wrongs([turn('t1', 'm1'), turn('t2', 'm2')], [], [taker('t1', 'm2')])).to.deep.equal([
      'duplicated',
    ])
  })

  it('[CH3] may be taken by an attempt that came to nothing, or be a turn that was never begun', () => {
    const lost = turn('t1', 'm1', [], { status: 'failed' })
    expect(wrongs([lost, turn('t2', 'm2')], [], [taker('t1', 'm2')])).to.deep.equal([])
    const unused = { status: 'aborted', reason: 'It was never started: another turn came first.' }
    expect(wrongs([first, turn('t2', 'm2', [], unused)], [])).to.deep.equal([])
  })
})
