import { expect } from 'chai'
import { CHECKPOINT_BYTES, CHECKPOINT_MS, FlushBench, aTurn, settled } from './flush-bench.ts'
import { call, result, text } from './lane-model.ts'

describe('the flusher', () => {
  let bench: FlushBench
  beforeEach(() => {
    bench = new FlushBench()
  })

  it('[TN1] makes a commit of unknown outcome again, byte for byte, and longer and longer waits between', async () => {
    const turn = aTurn()
    bench.say(turn, text('a', 'thinking'))
    bench.say(turn, 'b')
    const first = await bench.next()
    for (const waitMs of [50, 100, 200, 400, 800, 1000, 1000]) {
      await bench.fail()
      bench.say(turn, ` and ${waitMs}`)
      expect(bench.flusher.healthy).to.equal(false)
      const before = bench.commits.length
      bench.clock.pass(waitMs - 1)
      await settled()
      expect(bench.commits.length).to.equal(before)
      bench.clock.pass(1)
      const again = await bench.next()
      expect(bench.commits.length).to.equal(before + 1)
      expect([again.bytes, JSON.stringify(again.batches)]).to.deep.equal([first.bytes, first.bytes])
    }
    await bench.answer()
    expect(bench.flusher.healthy).to.equal(true)
    bench.clock.pass(CHECKPOINT_MS)
    await bench.answer()
    expect(bench.textOf('turn-1')).to.equal('ab and 50 and 100 and 200 and 400 and 800 and 1000 and 1000')
    expect(bench.stored.map(({ version }) => version)).to.deep.equal([0, 1])
  })

  it('[TN2] has one commit under way at a time; the rest gathers for the next', async () => {
    const [one, two] = [aTurn(), aTurn({ turnId: 'turn-2' })]
    bench.say(one, call('1'))
    await bench.next()
    for (let n = 2; n < 50; n++) bench.say(one, call(`${n}`))
    bench.say(two, call('1'))
    bench.clock.pass(10 * CHECKPOINT_MS)
    await settled()
    expect(bench.commits.length).to.equal(1)
    await bench.answer()
    expect(bench.commits.length).to.equal(2)
    expect(bench.commits[1]?.batches.map(({ turnId }) => turnId)).to.have.members(['turn-1', 'turn-2'])
    await bench.answer()
    expect(bench.commits.length).to.equal(2)
    expect(bench.stored.length).to.equal(3)
  })

  it('[TN2] takes many turns in one commit', async () => {
    for (let n = 0; n < 1500; n++) bench.say(aTurn({ turnId: `turn-${n}` }), call('1'))
    await bench.answer()
    expect(bench.commits.map(({ batches }) => batches.length)).to.deep.equal([1000, 500])
    await bench.answer()
    expect(bench.stored.length).to.equal(1500)
  })

  for (const [what, entry] of Object.entries({
    'the mode changes': text('so'),
    'a tool is called': call('1'),
    'a tool answers': result('1'),
  })) {
    it(`[TN3] stores at once when ${what}`, async () => {
      const turn = aTurn()
      bench.say(turn, text('hm', 'thinking'))
      await settled()
      expect(bench.commits.length).to.equal(0)
      bench.say(turn, entry)
      await bench.answer()
      expect(turn.storedHeads()).to.deep.equal([{ lane: '', offset: turn.settled('') }])
    })
  }

  it('[TN3] stores at once when the turn ends', async () => {
    const turn = aTurn()
    bench.say(turn, 'so')
    turn.update({ status: 'finished' })
    bench.flusher.touch(turn)
    await bench.answer()
    expect(bench.stored[0]?.state?.status).to.equal('finished')
    expect(bench.textOf('turn-1')).to.equal('so')
  })

  it('[TN4] stores an open block when its first word has waited for checkpointMs', async () => {
    const turn = aTurn()
    bench.say(turn, 'a')
    bench.clock.pass(CHECKPOINT_MS - 1)
    bench.say(turn, 'b')
    await settled()
    expect(bench.commits.length).to.equal(0)
    bench.clock.pass(1)
    await bench.answer()
    expect(bench.textOf('turn-1')).to.equal('ab')
    expect(bench.clock.waiting).to.equal(0)
  })

  it('[TN4] waits for checkpointMs again for what came while a commit was under way', async () => {
    const turn = aTurn()
    bench.say(turn, call('1'))
    await bench.next()
    bench.say(turn, 'later')
    await bench.answer()
    expect(bench.commits.length).to.equal(1)
    bench.clock.pass(CHECKPOINT_MS)
    await bench.answer()
    expect(bench.textOf('turn-1')).to.equal('<1>later')
  })

  it('[TN5] stores at once when much has gathered in one turn', async () => {
    const turn = aTurn()
    bench.say(turn, 'x'.repeat(CHECKPOINT_BYTES - 200))
    await settled()
    expect(bench.commits.length).to.equal(0)
    bench.say(turn, 'x'.repeat(200))
    await bench.answer()
    expect(bench.stored.length).to.equal(1)
  })

  it('[TN9] drops what another owner came first to, and stores the others', async () => {
    const [mine, other] = [aTurn(), aTurn({ turnId: 'turn-2' })]
    bench.say(mine, call('1'))
    bench.say(other, call('1'))
    const { resolve } = await bench.next()
    resolve(['fenced', 'committed'])
    await settled()
    expect([bench.fenced, mine.fenced, other.fenced]).to.deep.equal([['turn-1'], true, false])
    expect(bench.stored.map(({ turnId }) => turnId)).to.deep.equal(['turn-2'])
    expect(bench.say(mine, 'x')).to.equal('stale')
    bench.clock.pass(CHECKPOINT_MS)
    await settled()
    expect(bench.commits.length).to.equal(1)
  })

  it('[TN2] tells of the other turns when what follows one of them fails', async () => {
    bench.onCommitted = ({ turnId }) => {
      if (turnId === 'turn-1') throw new Error('a mistake')
    }
    for (const turnId of ['turn-1', 'turn-2']) bench.say(aTurn({ turnId }), call('1'))
    await bench.answer()
    expect(bench.stored.map(({ turnId }) => turnId)).to.deep.equal(['turn-1', 'turn-2'])
    expect(bench.warnings).to.deep.equal(['What followed a commit failed.'])
  })

  it('[TN4] settles when all that was said is stored, also while a commit is under way', async () => {
    const turn = aTurn()
    bench.say(turn, call('1'))
    await bench.next()
    bench.say(turn, 'more')
    let isSettled = false
    const settling = bench.flusher.settle().then(() => (isSettled = true))
    await bench.answer()
    expect([isSettled, bench.commits.length]).to.deep.equal([false, 2])
    await bench.answer()
    await settling
    expect(bench.textOf('turn-1')).to.equal('<1>more')
    await new FlushBench().flusher.settle()
  })
})
