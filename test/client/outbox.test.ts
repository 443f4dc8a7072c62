import { expect } from 'chai'
import { Outbox } from '../../src/client/outbox.ts'
import type { Entry, Placed } from '../../src/turns/entry.ts'
import { call, result, text } from '../turns/lane-model.ts'

type Sent = [lane: string, offset: number, words: string]

function wordsOf({ entry }: Placed): string {
  return entry.kind === 'text' ? entry.text : `<${entry.callId}>`
}

/** An outbox that has said these words, and what it sends. */
class Sender {
  readonly outbox = new Outbox(1)
  room = Number.POSITIVE_INFINITY

  constructor(...words: (Entry | string)[]) {
    for (const word of words) this.say(word)
  }

  say(word: Entry | string, lane = ''): void {
    this.outbox.append(lane, typeof word === 'string' ? text(word) : word)
  }

  sent(textUnits = 100): Sent[] {
    const sent: Sent[] = []
    this.outbox.flush({ textUnits }, (lane, placed) => {
      if (sent.length >= this.room) return false
      sent.push([lane, placed.offset, wordsOf(placed)])
      return true
    })
    return sent
  }
}

describe('the outbox of a drone', () => {
  it('[DC2] sends everything once, merged, and cut to what one entry may have', () => {
    const sender = new Sender('abc', 'def', call('1'), text('hm', 'thinking'))
    sender.say('sub', 'agent')
    expect(sender.sent(4)).to.deep.equal([
      ['', 0, 'abcd'],
      ['', 4, 'ef'],
      ['', 6, '<1>'],
      ['', 7, 'h'],
      ['', 8, 'm'],
      ['agent', 0, 'sub'],
    ])
    expect(sender.sent()).to.deep.equal([])
    expect(sender.outbox.hasUnsent).to.equal(false)
    sender.say('!')
    expect(sender.sent()).to.deep.equal([['', 9, '!']])
  })

  it('[DC2] goes on where a full socket stopped it', () => {
    const sender = new Sender('a', call('1'), 'b')
    sender.room = 2
    expect(sender.sent().map(([, , words]) => words)).to.deep.equal(['a', '<1>'])
    expect(sender.outbox.hasUnsent).to.equal(true)
    expect(sender.sent().map(([, , words]) => words)).to.deep.equal(['b'])
  })

  it('[DC2] sends many small entries in one go', () => {
    const sender = new Sender()
    for (let n = 0; n < 20_000; n++) sender.say(call(`${n}`))
    expect(sender.sent(65_536).length).to.equal(20_000)
  })

  it('[DC3] keeps half a pair until its partner comes, or nothing more will be said', () => {
    const sender = new Sender('a\ud83d')
    expect(sender.sent()).to.deep.equal([['', 0, 'a']])
    sender.say('\ude00')
    expect(sender.sent()).to.deep.equal([['', 1, '😀']])
    sender.say('\ud83d')
    expect(sender.sent()).to.deep.equal([])
    sender.outbox.finish()
    expect(sender.sent()).to.deep.equal([['', 3, '\ufffd']])
    expect(sender.outbox.heads()).to.deep.equal([{ lane: '', offset: 4 }])
  })

  it('[DC4] forgets what a checkpoint covers, and gives its room back', () => {
    const sender = new Sender('x'.repeat(5000), call('1'))
    const full = sender.outbox.bytes
    expect(full).to.be.within(5000, 5600)
    sender.sent()
    sender.outbox.checkpoint('', 4999)
    expect(sender.outbox.bytes).to.equal(full)
    sender.outbox.checkpoint('', 5000)
    expect(sender.outbox.bytes).to.be.within(1, 600)
    sender.outbox.checkpoint('nobody', 5)
    sender.outbox.checkpoint('', 5001)
    expect(sender.outbox.bytes).to.equal(0)
  })

  it('[DC4] gives all room back where half a pair waits: its partner may be what waits for room', () => {
    const sender = new Sender('x'.repeat(5000) + '\ud83d')
    sender.sent()
    sender.outbox.checkpoint('', 5000)
    expect(sender.outbox.bytes).to.equal(0)
    sender.say('\ude00')
    expect(sender.outbox.bytes).to.be.within(1, 300)
    sender.outbox.checkpoint('', 5002)
    sender.say('\ud83d')
    expect(sender.outbox.bytes, 'nothing of it can be stored yet').to.equal(0)
  })

  it('[DC4] counts all that an entry carries, in UTF-8', () => {
    const long = '汉'.repeat(1000)
    const base = { callId: '1', response: '', createdAt: 0 }
    const entries: Entry[] = [
      text(long),
      { ...base, kind: 'call', name: 'x', parameters: long },
      { ...base, kind: 'result', response: long },
      { ...base, kind: 'result', detail: { title: long } },
      { ...base, kind: 'result', subagent: long },
      { ...base, kind: 'result', stats: { long } },
    ]
    for (const entry of entries) expect(new Sender(entry).outbox.bytes).to.be.within(3000, 3300)
    const empty = new Sender('')
    expect([empty.outbox.bytes, empty.outbox.heads()]).to.deep.equal([0, []])
  })

  it('[DC5] goes back to where the relay asks', () => {
    const sender = new Sender('abcdef')
    sender.sent()
    expect(sender.outbox.rewind('', 2)).to.equal(true)
    expect(sender.sent()).to.deep.equal([['', 2, 'cdef']])
    expect(sender.outbox.rewind('', 99)).to.equal(true)
    expect(sender.sent()).to.deep.equal([])
    expect(sender.outbox.rewind('nobody', 0)).to.equal(true)
  })

  it('[DC5] gives up a head that is rewound again and again, and one that it has forgotten', () => {
    const sender = new Sender('abcdef')
    sender.sent()
    const rewinds = (offset: number) => sender.outbox.rewind('', offset)
    expect(Array.from({ length: 41 }, () => rewinds(2))).to.not.include(false)
    expect([rewinds(2), rewinds(1)], 'nothing has moved in some minutes').to.deep.equal([false, false])
    expect([rewinds(3), rewinds(3), rewinds(4)]).to.deep.equal([true, true, true])
    sender.outbox.checkpoint('', 5)
    expect(rewinds(4)).to.equal(false)
    expect(rewinds(5)).to.equal(true)
    expect(sender.sent()).to.deep.equal([['', 5, 'f']])
  })

  it('[DC5] takes any progress as progress: a higher head, a checkpoint of any lane, a new connection', () => {
    const sender = new Sender('abcdef')
    sender.say('sub', 'agent')
    sender.sent()
    const { outbox } = sender
    const fruitless = (offset: number): number => {
      outbox.rewind('', offset)
      return outbox.fruitless
    }
    expect([fruitless(0), fruitless(0), fruitless(0)]).to.deep.equal([0, 1, 2])
    expect([fruitless(1), fruitless(0), fruitless(1)], 'back and forth is none').to.deep.equal([0, 1, 2])
    outbox.checkpoint('agent', 0)
    expect(outbox.fruitless, 'nothing was stored').to.equal(2)
    outbox.checkpoint('agent', 1)
    expect([outbox.fruitless, fruitless(1)], 'the agent got on').to.deep.equal([0, 1])
    outbox.reconnect([{ lane: 'agent', offset: 1 }])
    expect([outbox.fruitless, fruitless(0)]).to.deep.equal([0, 0])
  })

  it('[DC6] sends on a new connection what comes after the durable heads', () => {
    const sender = new Sender('abcdef', result('1'))
    sender.say('sub', 'agent')
    sender.sent()
    sender.say('!')
    expect(sender.outbox.reconnect([{ lane: '', offset: 4 }])).to.equal(true)
    expect(sender.sent()).to.deep.equal([
      ['', 4, 'ef'],
      ['', 6, '<1>'],
      ['', 7, '!'],
      ['agent', 0, 'sub'],
    ])
    const again = [true, true, true].map(() => sender.outbox.rewind('', 4))
    expect(again).to.deep.equal([true, true, true])
    expect(sender.outbox.reconnect([{ lane: '', offset: 4 }])).to.equal(true)
    expect(sender.outbox.rewind('', 4)).to.equal(true)
  })

  it('[DC6] knows that a relay has lost what it had stored', () => {
    const sender = new Sender('abcdef')
    sender.sent()
    sender.outbox.checkpoint('', 4)
    expect(sender.outbox.reconnect([{ lane: '', offset: 3 }])).to.equal(false)
    expect(sender.outbox.reconnect([])).to.equal(false)
    expect(sender.outbox.reconnect([{ lane: '', offset: 4 }])).to.equal(true)
  })
})
