import { expect } from 'chai'
import { LaneLog } from '../../src/turns/lane-log.ts'
import { call, result, text } from './lane-model.ts'

const HIGH = '\ud83d'
const LOW = '\ude00'

function halved(): LaneLog {
  const log = new LaneLog()
  expect(log.append(0, text(`ab${HIGH}`))).to.equal('accepted')
  return log
}

const textOf = (log: LaneLog): string =>
  log
    .after(log.base)
    .map(({ entry }) => (entry.kind === 'text' ? entry.text : '!'))
    .join('')

describe('half of a surrogate pair at the end of a lane', () => {
  it('[TL7] counts as received and is not handed out', () => {
    const log = halved()
    expect([log.length, log.settled, textOf(log)]).to.deep.equal([3, 2, 'ab'])
    log.forget(3)
    expect(log.base).to.equal(2)
    expect(log.length).to.equal(3)
  })

  it('[TL7] joins its partner when that comes', () => {
    const log = halved()
    expect(log.append(3, text(`${LOW}c`))).to.equal('accepted')
    expect([textOf(log), log.settled, log.length]).to.deep.equal(['ab😀c', 5, 5])
  })

  it('[TL7] joins its partner in an entry that repeats the half, or all', () => {
    for (const from of [0, 1, 2]) {
      const log = halved()
      expect(log.append(from, text('ab😀'.slice(from)))).to.equal('accepted')
      expect(textOf(log)).to.equal('ab😀')
    }
  })

  it('[TL7] is a duplicate when it comes again', () => {
    const log = halved()
    expect(log.append(2, text(HIGH))).to.equal('duplicate')
    expect(log.append(0, text(`ab${HIGH}`))).to.equal('duplicate')
    expect([log.settled, log.length]).to.deep.equal([2, 3])
  })

  it('[TL7] waits anew after another half, which leaves it alone', () => {
    const log = halved()
    log.append(3, text(HIGH))
    expect([textOf(log), log.length]).to.deep.equal(['ab\ufffd', 4])
    log.append(4, text(LOW))
    expect(textOf(log)).to.equal('ab\ufffd😀')
  })

  it('[TL8] stays alone as U+FFFD of length 1 when its block ends', () => {
    const endings: ((log: LaneLog) => void)[] = [
      (log) => log.append(3, text('x')),
      (log) => log.append(3, text('x', 'thinking')),
      (log) => log.append(3, text(LOW, 'thinking')),
      (log) => log.append(3, call('1')),
      (log) => log.append(3, result('1')),
      (log) => log.closeHalf(),
    ]
    for (const end of endings) {
      const log = halved()
      end(log)
      expect(textOf(log).slice(0, 3)).to.equal('ab\ufffd')
      expect(log.settled).to.equal(log.length)
      expect(textOf(log).isWellFormed()).to.equal(true)
    }
  })

  it('[TL8] finds no partner behind a result', () => {
    const log = halved()
    log.append(3, result('1'))
    log.append(4, text(LOW))
    expect(textOf(log)).to.equal('ab\ufffd!\ufffd')
    expect(log.length).to.equal(5)
  })

  it('[TL8] replaces a low half that follows nothing', () => {
    const log = new LaneLog()
    log.append(0, text(`${LOW}a${LOW}`))
    expect(textOf(log)).to.equal('\ufffda\ufffd')
  })

  it('[TL11] goes with what is cut', () => {
    const log = halved()
    log.cut(2)
    expect(log.length).to.equal(2)
    log.append(2, text(LOW))
    expect(textOf(log)).to.equal('ab\ufffd')
  })
})
