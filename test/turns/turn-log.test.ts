import { expect } from 'chai'
import { TurnLog } from '../../src/turns/turn-log.ts'
import { call, result, text } from './lane-model.ts'

describe('the log of a turn', () => {
  it('[TL1] accepts, and ignores what it has', () => {
    const log = new TurnLog(1)
    expect(log.append(1, '', 0, text('a'))).to.equal('accepted')
    expect(log.append(1, '', 0, text('a'))).to.equal('duplicate')
    expect(log.append(1, '', 0, call('1'))).to.equal('duplicate')
    expect(log.length('')).to.equal(1)
  })

  it('[TL1] ignores empty text wherever it is said to be', () => {
    const log = new TurnLog(1)
    for (const offset of [0, 7]) expect(log.append(1, 'sub', offset, text(''))).to.equal('duplicate')
    expect([...log.lanes.keys()]).to.deep.equal([])
  })

  it('[TL4] makes no lane for a gap', () => {
    const log = new TurnLog(1)
    for (let lane = 0; lane < 100; lane++)
      expect(log.append(1, `agent ${lane}`, 1, text('a'))).to.equal('gap')
    expect(log.lanes.size).to.equal(0)
  })

  it('[TL6] refuses an older attempt as stale and a later one as early, whatever the offset', () => {
    const log = new TurnLog(2)
    for (const offset of [0, 1, 9]) {
      expect(log.append(1, '', offset, text('a'))).to.equal('stale')
      expect(log.append(3, '', offset, text('a'))).to.equal('early')
    }
    expect(log.lanes.size).to.equal(0)
  })

  it('[TL6] begins a later attempt with empty lanes', () => {
    const log = new TurnLog(1)
    log.append(1, 'sub', 0, text('a'))
    log.restart(2)
    expect([log.attempt, log.heads(), log.length('sub')]).to.deep.equal([2, [], 0])
    expect(log.append(1, 'sub', 0, text('a'))).to.equal('stale')
    expect(log.append(2, 'sub', 1, text('a'))).to.equal('gap')
    expect(log.append(2, 'sub', 0, text('a'))).to.equal('accepted')
  })

  it('[TL9] keeps lanes apart, in the order of their first words', () => {
    const log = new TurnLog(1)
    log.append(1, '', 0, call('agent'))
    log.append(1, 'agent', 0, text('sub', 'thinking'))
    log.append(1, '', 1, result('agent'))
    log.append(1, 'agent', 3, text('!', 'thinking'))
    expect(log.heads()).to.deep.equal([
      { lane: '', offset: 2 },
      { lane: 'agent', offset: 4 },
    ])
    expect(log.after('agent', 1)).to.deep.equal([{ offset: 1, entry: text('ub!', 'thinking') }])
    expect(log.after('nobody', 0)).to.deep.equal([])
  })

  it('[TL9] takes lanes of any name', () => {
    const log = new TurnLog(1)
    for (const name of ['__proto__', 'constructor', 'a/b', '😀']) {
      expect(log.append(1, name, 0, text('a'))).to.equal('accepted')
      expect(log.length(name)).to.equal(1)
    }
    expect(log.lanes.size).to.equal(4)
  })

  it('[TL8] leaves the halves of all lanes alone when the attempt is over', () => {
    const log = new TurnLog(1)
    log.append(1, '', 0, text('a\ud83d'))
    log.append(1, 'sub', 0, text('\ud83d'))
    expect(log.heads().map(({ offset }) => offset)).to.deep.equal([1, 0])
    log.closeHalves()
    expect(log.heads().map(({ offset }) => offset)).to.deep.equal([2, 1])
    expect(log.after('sub', 0)).to.deep.equal([{ offset: 0, entry: text('\ufffd') }])
  })

  it('[TL10] goes on where a stored lane ends', () => {
    const log = new TurnLog(3)
    log.lane('', 100)
    expect(log.append(3, '', 90, text('0123456789ab'))).to.equal('accepted')
    expect(log.after('', 100)).to.deep.equal([{ offset: 100, entry: text('ab') }])
    expect(log.append(3, '', 0, text('old'))).to.equal('duplicate')
  })
})
