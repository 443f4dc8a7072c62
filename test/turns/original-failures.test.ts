import { expect } from 'chai'
import { CHECKPOINT_MS, FlushBench, aTurn, header, settled } from './flush-bench.ts'
import { call, text } from './lane-model.ts'
import { LiveBench, textOf } from './live-bench.ts'
import type { CommitOutcome, FlushBatch } from '../../src/turns/turn-store.ts'

/** What the drone session that this project replaces got wrong; docs/design.md, "One order per turn". */
describe('the failures of the original', () => {
  it('[TN2] a second token that arrives while a mode change is being flushed is kept', async () => {
    const bench = new FlushBench()
    const turn = aTurn()
    bench.say(turn, text('hm', 'thinking'))
    bench.say(turn, 'first ')
    await bench.next()
    bench.say(turn, 'second ')
    bench.say(turn, 'third')
    await bench.answer()
    bench.clock.pass(CHECKPOINT_MS)
    await bench.answer()
    expect(bench.textOf('turn-1')).to.equal('hmfirst second third')
  })

  it('[TN2] two flushes of one turn do not race: the second begins where the first was committed', async () => {
    const bench = new FlushBench()
    const turn = aTurn()
    bench.say(turn, call('1'))
    await bench.next()
    bench.say(turn, call('2'))
    bench.flusher.touch(turn)
    await settled()
    expect(bench.commits.length).to.equal(1)
    await bench.answer()
    await bench.answer()
    expect(bench.stored.map(({ version, lanes }) => [version, lanes[0]?.after.length])).to.deep.equal([
      [0, 1],
      [1, 2],
    ])
    expect(bench.textOf('turn-1')).to.equal('<1><2>')
  })

  it('[TN11] a chat session that is chosen or made does not touch words that wait to be stored', async () => {
    const stored: FlushBatch[] = []
    const bench = new LiveBench((batches) => {
      stored.push(...batches)
      return Promise.resolve(batches.map((): CommitOutcome => 'committed'))
    })
    await bench.sessions.findOrMake('ann', 'chat-1', {})
    const turn = bench.turns.admit(header())
    bench.turns.append(turn, 1, '', 0, text('before '))

    const viewer = bench.watch('chat-1')
    await bench.sessions.findOrMake('ann', 'chat-2', { title: 'Another' })
    await bench.sessions.change('chat-1', () => ({ model: 'm' }))
    const other = bench.turns.admit(header({ turnId: 'turn-2', chatSessionId: 'chat-2' }))
    bench.turns.append(other, 1, '', 0, text('elsewhere'))
    bench.turns.apply(other, { type: 'abort' })

    expect(turn.after('', 0)).to.deep.equal([{ offset: 0, entry: text('before ') }])
    bench.turns.append(turn, 1, '', 7, text('after'))
    expect(textOf(viewer)).to.equal('after')
    await bench.turns.settle()
    const words = stored
      .filter(({ turnId }) => turnId === 'turn-1')
      .flatMap(({ lanes }) => lanes[0]?.fresh ?? [])
    expect(words).to.deep.equal([{ offset: 0, entry: text('before after') }])
    expect(bench.errors).to.deep.equal([])
  })

  it('[TN11] words that nobody watches are stored like any', async () => {
    const stored: FlushBatch[] = []
    const bench = new LiveBench((batches) => {
      stored.push(...batches)
      return Promise.resolve(batches.map((): CommitOutcome => 'committed'))
    })
    await bench.sessions.findOrMake('ann', 'chat-1', {})
    const turn = bench.turns.admit(header())
    expect(bench.feed.isFollowed('chat-1')).to.equal(false)
    bench.turns.append(turn, 1, '', 0, text('alone'))
    await bench.turns.settle()
    expect(stored[0]?.lanes[0]?.fresh).to.deep.equal([{ offset: 0, entry: text('alone') }])
  })

  it('[TN7] an end is told only when it is stored, with the last words and the final heads before it', async () => {
    const pending: (() => void)[] = []
    const bench = new LiveBench((batches) => {
      return new Promise((resolve) => pending.push(() => resolve(batches.map(() => 'committed'))))
    })
    await bench.sessions.findOrMake('ann', 'chat-1', {})
    const turn = bench.turns.admit(header())
    const viewer = bench.watch('chat-1')
    bench.turns.append(turn, 1, '', 0, text('the end\ud83d'))
    bench.turns.apply(turn, { type: 'completed', success: true })
    await settled()
    expect(textOf(viewer)).to.equal('the end\ufffd')
    expect(viewer.some(({ kind }) => kind === 'news')).to.equal(false)
    expect(bench.turns.get('turn-1')).to.equal(turn)
    for (const commit of pending) commit()
    await settled()
    const news = viewer.find((event) => event.kind === 'news')
    expect(news?.payload).to.deep.include({ status: 'finished', heads: [{ lane: '', offset: 8 }] })
    expect(bench.turns.get('turn-1')).to.equal(undefined)
  })
})
