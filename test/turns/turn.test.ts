import { expect } from 'chai'
import { aTurn, say } from './flush-bench.ts'
import { call, result, text } from './lane-model.ts'
import type { Turn } from '../../src/turns/turn.ts'

/** Freezes and commits what is new. */
function store(turn: Turn): ReturnType<Turn['freeze']> {
  const batch = turn.freeze()
  turn.committed()
  return batch
}

describe('a turn', () => {
  it('[TN1] freezes once: what is said later is in the next batch', () => {
    const turn = aTurn()
    say(turn, 'ab')
    const batch = turn.freeze()
    const bytes = JSON.stringify(batch)
    say(turn, 'cd')
    say(turn, call('1'))
    turn.update({ incomplete: true })
    expect(turn.freeze()).to.equal(undefined)
    expect(JSON.stringify(batch)).to.equal(bytes)
    expect(batch?.lanes).to.deep.equal([
      {
        number: 0,
        fresh: [{ offset: 0, entry: text('ab') }],
        closed: [],
        after: { name: '', length: 2, parts: 0, open: [{ offset: 0, entry: text('ab') }], borrowed: [] },
      },
    ])
    turn.committed()
    const next = store(turn)
    expect(next).to.deep.include({ version: 1, attempt: 1 })
    expect(next?.lanes[0]?.fresh).to.deep.equal([
      { offset: 2, entry: text('cd') },
      { offset: 4, entry: call('1') },
    ])
    expect(next?.lanes[0]?.closed.map(({ entries }) => entries)).to.deep.equal([
      [{ offset: 0, entry: text('abcd') }],
    ])
    expect(next?.state).to.deep.include({ incomplete: true, toolCallCount: 1 })
  })

  it('[TN14] takes a thousand lanes, and no word in another', () => {
    const turn = aTurn()
    for (let lane = 0; lane < 1000; lane++) say(turn, 'x', `agent ${lane}`)
    expect(turn.append(1, 'one more', 0, text('x'))).to.equal('crowded')
    expect(turn.appendNext('one more', text('x'))).to.equal('crowded')
    expect(turn.append(1, 'agent 7', 1, text('y'))).to.equal('accepted')
  })

  it('[TN1] has nothing to freeze where nothing is new', () => {
    const turn = aTurn()
    expect(turn.freeze()).to.equal(undefined)
    say(turn, 'a')
    store(turn)
    expect([turn.freeze(), turn.hasUnstored, turn.unstoredBytes]).to.deep.equal([undefined, false, 0])
  })

  it('[TN1] numbers its lanes in the order of their first words, and keeps the numbers', () => {
    const turn = aTurn()
    say(turn, 'b', 'beta')
    expect(store(turn)?.lanes.map(({ number, after }) => [number, after.name])).to.deep.equal([[0, 'beta']])
    say(turn, 'm')
    say(turn, 'a', 'alpha')
    say(turn, 'b', 'beta')
    const numbers = store(turn)?.lanes.map(({ number, after }) => [number, after.name])
    expect(numbers).to.deep.equal([
      [0, 'beta'],
      [1, ''],
      [2, 'alpha'],
    ])
  })

  it('[TN3] is urgent when a block has ended, until the next freeze', () => {
    const turn = aTurn()
    say(turn, text('a', 'thinking'))
    expect(turn.urgent).to.equal(false)
    say(turn, text('b', 'thinking'), 'agent')
    say(turn, text('a', 'thinking'))
    expect(turn.urgent).to.equal(false)
    for (const entry of [text('c'), call('1'), result('1')]) {
      say(turn, entry)
      expect(turn.urgent).to.equal(true)
      store(turn)
      expect(turn.urgent).to.equal(false)
    }
    turn.update({ incomplete: true })
    expect(turn.urgent).to.equal(true)
  })

  it('[TN6] refuses words past its window, a repeat with a longer end too, and asks for them when there is room', () => {
    const turn = aTurn({}, { maxUnstoredBytes: 1000 })
    say(turn, 'x'.repeat(1500))
    expect(say(turn, 'y')).to.equal('full')
    expect(turn.append(1, '', 1400, text('x'.repeat(101)))).to.equal('full')
    expect(turn.append(1, 'agent', 0, text('z'))).to.equal('full')
    expect(turn.append(1, '', 0, text('xxx'))).to.equal('duplicate')
    expect([turn.received(''), turn.received('agent'), turn.takeRefilled()]).to.deep.equal([1500, 0, []])
    store(turn)
    expect(turn.takeRefilled()).to.deep.equal(['', 'agent'])
    expect(turn.takeRefilled()).to.deep.equal([])
    expect(turn.append(1, '', 1501, text('y'))).to.equal('gap')
    expect(turn.noteGap('')).to.equal(false)
    expect(say(turn, 'yy')).to.equal('accepted')
    expect(turn.append(1, '', 1600, text('y'))).to.equal('gap')
    expect(turn.noteGap('')).to.equal(true)
  })

  it('[TN6] does not ask before half of the window is free', () => {
    const turn = aTurn({}, { maxUnstoredBytes: 1000 })
    say(turn, 'x'.repeat(700))
    turn.freeze()
    say(turn, 'x'.repeat(700))
    expect(say(turn, 'y')).to.equal('full')
    turn.committed()
    expect(turn.takeRefilled()).to.deep.equal([])
    store(turn)
    expect(turn.takeRefilled()).to.deep.equal([''])
  })

  it('[TN6] says of another attempt what it is, however full the window', () => {
    const turn = aTurn({ attempt: 2 }, { maxUnstoredBytes: 1 })
    say(turn, 'xx')
    expect(turn.append(1, '', 9, text('y'))).to.equal('stale')
    expect(turn.append(3, '', 9, text('y'))).to.equal('early')
    expect(turn.append(2, '', 9, text('y'))).to.equal('full')
  })

  it('[TN10] tells a gap once, until the lane goes on', () => {
    const turn = aTurn()
    expect(turn.append(1, '', 3, text('d'))).to.equal('gap')
    expect([turn.noteGap(''), turn.noteGap(''), turn.noteGap('agent')]).to.deep.equal([true, false, true])
    say(turn, 'abc')
    expect(turn.append(1, '', 9, text('x'))).to.equal('gap')
    expect(turn.noteGap('')).to.equal(true)
  })

  for (const status of ['queued', 'recovering', 'finished', 'failed', 'aborted'] as const) {
    it(`[TN13] takes no words while it is ${status}`, () => {
      const turn = aTurn({ status })
      expect(turn.append(1, '', 0, text('a'))).to.equal('stale')
      expect(turn.append(2, '', 0, text('a'))).to.equal('early')
      expect(turn.appendNext('', text('a'))).to.equal('stale')
      expect(turn.freeze()).to.equal(undefined)
    })
  }

  it('[TN13] changes no more once it has ended', () => {
    const turn = aTurn()
    turn.update({ status: 'aborted', reason: 'stop' })
    turn.update({ status: 'finished', reason: 'late' })
    expect(turn.state).to.deep.include({ status: 'aborted', reason: 'stop' })
  })

  it('[TN13] keeps half a pair back until its end, and then stores it as U+FFFD', () => {
    const turn = aTurn()
    say(turn, 'a\ud83d')
    expect(store(turn)?.lanes[0]?.after.length).to.equal(1)
    expect(turn.received('')).to.equal(2)
    turn.update({ status: 'finished' })
    expect(store(turn)?.lanes[0]?.fresh).to.deep.equal([{ offset: 1, entry: text('\ufffd') }])
  })

  it('[TN13] goes on from what is stored', () => {
    const open = [{ offset: 5, entry: text('six') }]
    const turn = aTurn({
      lanes: [{ name: '', length: 8, parts: 2, open, borrowed: [] }],
      version: 9,
      generation: 4,
    })
    expect(turn.append(1, '', 4, text('5six789'))).to.equal('accepted')
    const batch = store(turn)
    expect(batch).to.deep.include({ version: 9, generation: 4 })
    expect(batch?.lanes[0]?.fresh).to.deep.equal([{ offset: 8, entry: text('789') }])
    expect(batch?.lanes[0]?.after).to.deep.equal({
      name: '',
      length: 11,
      parts: 2,
      open: [{ offset: 5, entry: text('six789') }],
      borrowed: [],
    })
  })

  it('[TN11] takes the words of a drone without positions as they come, however full', () => {
    const turn = aTurn({}, { maxUnstoredBytes: 1 })
    for (const word of ['a', 'b', 'c']) expect(turn.appendNext('', text(word))).to.equal('accepted')
    expect(turn.tail()).to.deep.equal([{ lane: '', base: 0, entries: [{ offset: 0, entry: text('abc') }] }])
  })
})
