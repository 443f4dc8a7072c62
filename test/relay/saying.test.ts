import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

async function session(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone({ droneId: 'd1' }), await bench.viewer()]
  const { chatSessionId, turnId } = await viewer.send('First.')
  const voice = drone.voice(await drone.order())
  return { drone, viewer, voice, chatSessionId, turnId }
}

onEveryStore('A drone that speaks unasked', (bench) => {
  it('[SY1] makes a turn without prompt, whole at once, and once for each message', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await session(bench())
    const said = {
      chatSessionId,
      messageId: 'm1',
      content: 'The build is broken.',
      thinking: 'Hm.',
      mentions: ['ann'],
    }
    expect((await drone.ask('say', said)).error?.code).to.equal('turn_in_progress')
    await voice.response('Done.').complete()
    await viewer.ended(turnId)
    const answer = await drone.ask('say', said)
    expect(answer.ok).to.equal(true)
    const id = String(answer['turnId'])
    expect(await drone.ask('say', said)).to.deep.equal(answer)
    await viewer.ended(id)
    expect(viewer.text(id)).to.equal('Hm.The build is broken.')
    const [started] = await viewer.event('turn:started', (news: { turnId: string }) => news.turnId === id)
    expect(started).to.deep.include({ prompt: '', unasked: true, mentions: ['ann'], droneId: 'd1' })
    const turn = await bench().turn(id)
    expect(turn).to.deep.include({ status: 'finished', unasked: true, attempt: 1 })
    expect(turn.blocks.map(({ mode }) => mode)).to.deep.equal(['thinking', 'responding'])
    await viewer.send('Why?', { chatSessionId })
    const { history } = await drone.order(2)
    expect(history.map(({ role, content }) => [role, content])).to.deep.equal([
      ['user', 'First.'],
      ['assistant', 'Done.'],
      ['assistant', 'The build is broken.'],
    ])
    expect(viewer.faults).to.deep.equal([])
  })

  it('[SY1] is asked to say it again where a relay died on the way, and it is one turn', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await session(bench())
    await voice.complete()
    await viewer.ended(turnId)
    const said = { chatSessionId, messageId: 'm1', content: 'Hello.' }
    const answer = await drone.ask('say', said)
    const { store } = bench().relay
    const whole = await store.readTurn(String(answer['turnId']))
    if (!whole) throw new Error('no turn')
    // As a relay leaves it that dies after the first of two writes.
    const { assigned: _a, startedAt: _s, endedAt: _e, ...rest } = whole
    const messageId = whole.messageId.replace('m1', 'm2')
    const half = { ...rest, turnId: `${whole.turnId}2`, messageId, lanes: [], version: 0 }
    await store.insertTurn({ ...half, status: 'queued', createdAt: whole.createdAt + 1 })
    await bench().restart()
    const [back, again] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const repeated = await back.ask('say', { ...said, messageId: 'm2' })
    expect(repeated).to.deep.equal({ ok: true, turnId: half.turnId })
    await again.join(chatSessionId)
    const turn = await bench().turn(half.turnId)
    expect(turn.status).to.equal('finished')
    expect(turn.blocks.map(({ content }) => content)).to.deep.equal(['Hello.'])
    expect(back.orders).to.deep.equal([])
  })

  it('[SY2] may do so only in its user’s sessions', async () => {
    const { chatSessionId } = await session(bench())
    const theirs = await bench().drone({ name: 'other' }, await bench().relay.keyOf('drone', 'bob'))
    const said = { chatSessionId, messageId: 'm1', content: 'Mine.' }
    expect((await theirs.ask('say', said)).error?.code).to.equal('not_found')
  })

  it('[CM1] may shorten the conversation: viewers hear, and later orders begin with the summary', async () => {
    const { drone, viewer, voice, chatSessionId, turnId } = await session(bench())
    await voice.response('One.').complete()
    await viewer.ended(turnId)
    const second = await viewer.send('Second.', { chatSessionId })
    const next = await drone.order(2)
    await drone.voice(next).response('Two.').complete()
    await viewer.ended(second.turnId)
    const compacted = { chatSessionId, summary: 'They counted.', messagesSummarized: 3, messagesKept: 1 }
    expect(await drone.ask('session:compacted', compacted)).to.include({ ok: true })
    expect((await viewer.event('session:compacted'))[0]).to.deep.include(compacted)
    await bench().restart()
    const [back, again] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const third = await again.send('Third.', { chatSessionId })
    const order = await back.order()
    expect(order.history.map(({ role, content }) => [role, content])).to.deep.equal([
      ['assistant', 'They counted.'],
      ['assistant', 'Two.'],
    ])
    await back.voice(order).response('Three.').complete()
    await again.ended(third.turnId)
    await again.send('Fourth.', { chatSessionId })
    expect((await back.order(2)).history.map(({ content }) => content)).to.deep.equal([
      'They counted.',
      'Two.',
      'Third.',
      'Three.',
    ])
    const other = await bench().drone({ droneId: 'd2', name: 'other' })
    expect((await other.ask('session:compacted', compacted)).error?.code).to.equal('not_found')
    expect(viewer.faults).to.deep.equal([])
  })
})
