import { expect } from 'chai'
import type { Succession, Turn } from '../../src/turns/turn.ts'
import type { FlushBatch } from '../../src/turns/turn-store.ts'
import { recordOf } from '../../src/turns/lifecycle.ts'
import { ASSIGNED, aTurn, say } from './flush-bench.ts'
import { call, text } from './lane-model.ts'

const other = { ...ASSIGNED, registrationId: 'r2', droneId: 'd2', acknowledged: false }

/** As the lifecycle does: the owner is lost, and somebody else is given the next attempt. */
function giveTo(turn: Turn, assigned: typeof other, borrows = false): void {
  turn.update({ status: 'recovering', reason: `lost ${turn.state.attempt}` })
  const next: Succession = { ended: recordOf(turn.state, 9), borrows }
  turn.succeed({ status: 'processing', assigned }, next)
}

function store(turn: Turn): FlushBatch {
  const batch = turn.freeze()
  if (!batch) throw new Error('nothing was frozen')
  turn.committed()
  return batch
}

describe('the next attempt of a turn', () => {
  it('[TN8] closes every part of the one given up, and begins with empty lanes', () => {
    const turn = aTurn()
    say(turn, 'stored')
    say(turn, 'agent', 'agent')
    store(turn)
    say(turn, call('1'))
    say(turn, 'half \ud83d')
    giveTo(turn, other)
    expect([turn.loggedAttempt, turn.state.attempt]).to.deep.equal([1, 2])
    const batch = store(turn)
    expect(batch).to.deep.include({ attempt: 1, version: 1, nextLanes: [] })
    expect(batch.lanes.map(({ after }) => [after.name, after.length, after.parts, after.open])).to.deep.equal(
      [
        ['', 13, 3, []],
        ['agent', 5, 1, []],
      ],
    )
    expect(batch.lanes[0]?.fresh.at(-1)).to.deep.equal({ offset: 7, entry: text('half \ufffd') })
    const [past] = batch.state?.earlier ?? []
    expect(past).to.deep.include({ attempt: 1, reason: 'lost 1', droneId: 'd1', acknowledged: true })
    expect(past?.lanes).to.deep.equal(batch.lanes.map(({ after }) => after))
    expect([turn.loggedAttempt, turn.heads(), turn.storedHeads()]).to.deep.equal([2, [], []])
    expect(turn.append(1, '', 13, text('late'))).to.equal('stale')
    expect(turn.append(2, '', 0, text('anew'))).to.equal('accepted')
    expect(store(turn)).to.deep.include({ attempt: 2, version: 2 })
  })

  it('[TN8] takes no words before it is stored', () => {
    const turn = aTurn()
    giveTo(turn, other)
    for (const attempt of [1, 2]) expect(turn.append(attempt, '', 0, text('a'))).to.equal('stale')
    turn.freeze()
    expect(turn.append(2, '', 0, text('a'))).to.equal('stale')
    turn.committed()
    expect(turn.append(2, '', 0, text('a'))).to.equal('accepted')
  })

  it('[TN8] begins with the words of the last where these are kept', () => {
    const turn = aTurn()
    say(turn, 'kept')
    say(turn, call('1'))
    store(turn)
    turn.succeed({ incomplete: true }, { ended: recordOf(turn.state, 9), borrows: true })
    const { nextLanes } = store(turn)
    const kept = [
      { name: '', length: 5, parts: 2, open: [], borrowed: [{ attempt: 1, parts: 2, length: 5 }] },
    ]
    expect(nextLanes).to.deep.equal(kept)
    expect(turn.state).to.deep.include({ attempt: 2, toolCallCount: 1, incomplete: true })
    expect(turn.appendNext('', text('more'))).to.equal('accepted')
    const [lane] = store(turn).lanes
    expect(lane?.fresh).to.deep.equal([{ offset: 5, entry: text('more') }])
    expect(lane?.after).to.deep.include({ parts: 2, length: 9, borrowed: kept[0]?.borrowed })
  })

  it('[TN8] knows nothing of what was said about the last one', () => {
    const turn = aTurn()
    say(turn, call('1'))
    turn.update({ incomplete: true, usage: { turnId: 'turn-1', attempt: 1, input: 1, output: 2 } })
    giveTo(turn, other)
    expect(turn.state).not.to.have.any.keys('reason', 'usage', 'incomplete')
    expect(turn.state.toolCallCount).to.equal(0)
    expect(store(turn).state?.earlier[0]?.reason).to.equal('lost 1')
  })

  it('[TN8] is decided while a commit is under way, and stored by the one after it', () => {
    const turn = aTurn()
    say(turn, 'a')
    const first = turn.freeze()
    say(turn, 'b')
    giveTo(turn, other)
    expect(first?.nextLanes).to.equal(undefined)
    turn.committed()
    const batch = store(turn)
    expect(batch).to.deep.include({ attempt: 1, version: 1, nextLanes: [] })
    expect(batch.lanes[0]?.fresh).to.deep.equal([{ offset: 1, entry: text('b') }])
  })

  it('[TN8] goes to somebody else under its number where it was lost before any write named it', () => {
    const turn = aTurn()
    say(turn, 'a')
    giveTo(turn, other)
    giveTo(turn, { ...other, droneId: 'd3' })
    const batch = store(turn)
    expect(batch).to.deep.include({ attempt: 1, nextLanes: [] })
    expect(batch.state).to.deep.include({ attempt: 2, status: 'processing' })
    expect(batch.state?.assigned?.droneId).to.equal('d3')
    expect(batch.state?.earlier.map(({ attempt, reason }) => [attempt, reason])).to.deep.equal([
      [1, 'lost 1'],
    ])
    expect(say(turn, 'anew')).to.equal('accepted')
  })

  it('[TN8] begins empty where it was to keep the words and then went to another drone', () => {
    const turn = aTurn()
    say(turn, call('1'))
    turn.succeed({ incomplete: true }, { ended: recordOf(turn.state, 9), borrows: true })
    giveTo(turn, other)
    expect(store(turn).nextLanes).to.deep.equal([])
    expect(turn.state).to.deep.include({ attempt: 2, toolCallCount: 0 })
  })

  it('[TN8] has a next one itself where it was lost while its first write was under way', () => {
    const turn = aTurn()
    say(turn, 'a')
    giveTo(turn, other)
    const first = turn.freeze()
    giveTo(turn, { ...other, droneId: 'd3' })
    giveTo(turn, { ...other, droneId: 'd4' })
    expect(first?.state?.assigned?.droneId).to.equal('d2')
    turn.committed()
    expect(turn.append(2, '', 0, text('x'))).to.equal('stale')
    const second = store(turn)
    expect(second).to.deep.include({ attempt: 2, version: 1, lanes: [], nextLanes: [] })
    expect(second.state).to.deep.include({ attempt: 3, status: 'processing' })
    expect(second.state?.assigned?.droneId).to.equal('d4')
    expect(second.state?.earlier.map(({ attempt }) => attempt)).to.deep.equal([1, 2])
    expect([turn.loggedAttempt, say(turn, 'x')]).to.deep.equal([3, 'accepted'])
  })

  it('[TN8] is ended by an abort before it is stored', () => {
    const turn = aTurn()
    say(turn, 'a')
    giveTo(turn, other)
    turn.update({ status: 'aborted', endedAt: 10 })
    const batch = store(turn)
    expect(batch.state).to.deep.include({ attempt: 2, status: 'aborted' })
    expect(batch.state?.earlier[0]?.lanes[0]).to.deep.include({ length: 1, parts: 1 })
    expect(turn.freeze()).to.equal(undefined)
  })
})
