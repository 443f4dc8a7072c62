import { expect } from 'chai'
import { holdCommits } from '../support/gated-store.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const { turnId, chatSessionId } = await viewer.send()
  return { drone, viewer, turnId, chatSessionId, voice: drone.voice(await drone.order()) }
}

onEveryStore('A completion', (bench) => {
  it('[DR8] with words missing is a gap, rewinds every lane, and is taken once they are there', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    voice.response('01234')
    voice.from(9).response('!')
    voice.from(3, 'a1')
    const refused = await voice.complete()
    expect(refused.error).to.include({ code: 'gap', retryable: true })
    const rewinds = drone.all('rewind').map(([at]) => at as { lane: string; offset: number })
    expect(rewinds.map(({ lane, offset }) => `${lane}@${offset}`)).to.deep.equal(['@5', '@5', 'a1@0'])
    voice.from(5).response('5678!').from(0, 'a1').response('abc', 'a1')
    expect(await voice.complete()).to.include({ ok: true, status: 'finished' })
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('012345678!')
    expect(viewer.text(turnId, 'a1')).to.equal('abc')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[DR8] without success does not count heads, and its message is the reason', async () => {
    const { viewer, turnId, voice } = await atWork(bench())
    voice.response('half').from(50)
    expect(await voice.complete(false, 'The agent fell over.')).to.include({ ok: true, status: 'failed' })
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'failed', reason: 'The agent fell over.' })
    expect(end.heads).to.deep.equal([{ lane: '', offset: 4 }])
    expect((await bench().turn(turnId)).errorMessage).to.equal('The agent fell over.')
  })

  it('[DR9] is acknowledged once a reader finds the end and every word stored', async () => {
    const { voice, turnId } = await atWork(bench())
    voice.response('the last word')
    await voice.complete()
    const { status, blocks } = await bench().turn(turnId)
    expect([status, blocks[0]?.content]).to.deep.equal(['finished', 'the last word'])
  })

  it('[DR9] is not acknowledged, checkpointed or told while the store has not taken it', async () => {
    const { drone, viewer, voice, turnId } = await atWork(bench())
    voice.response('stored.')
    await drone.checkpoint(7)
    const open = holdCommits(bench().relay.store)
    let answered = false
    const completed = voice
      .response(' waiting')
      .complete()
      .then((answer) => {
        answered = true
        return answer
      })
    await viewer.untilText(turnId, 'stored. waiting')
    await drone.handled()
    expect([answered, drone.checkpoints(), viewer.statuses(turnId).length]).to.deep.equal([false, [7], 1])
    expect((await bench().turn(turnId)).status).to.equal('processing')
    open()
    expect(await completed).to.include({ ok: true, status: 'finished' })
    expect(drone.checkpoints()).to.deep.equal([7, 15])
    await viewer.ended(turnId)
  })

  it('[VW7] leaves its session taken until it is stored: should it be lost, the turn goes on', async () => {
    const { drone, viewer, turnId, chatSessionId, voice } = await atWork(bench())
    const open = holdCommits(bench().relay.store)
    const completed = voice.response('done').complete()
    await viewer.untilText(turnId, 'done')
    await drone.handled()
    const early = await viewer.ask('chat:send', { chatSessionId, content: 'And?', messageId: 'early' })
    expect(early.error).to.deep.include({ code: 'turn_in_progress', details: { turnId } })
    const waiting = await viewer.ask('chat:queue', { chatSessionId, content: 'Then.', messageId: 'waits' })
    expect(waiting).to.include({ ok: true, startedTurn: false })
    open()
    expect(await completed).to.include({ ok: true, status: 'finished' })
    expect(await drone.order(2)).to.include({ prompt: 'Then.' })
  })

  it('[DR14] is not told to a drone that comes back before it is stored', async () => {
    const { drone, viewer, voice, turnId } = await atWork(bench())
    voice.response('stored.')
    await drone.checkpoint(7)
    const open = holdCommits(bench().relay.store)
    void voice.response(' waiting').complete()
    await viewer.untilText(turnId, 'stored. waiting')
    await drone.handled()
    drone.close()
    const again = await bench().drone()
    const lanes = [{ lane: '', offset: 7 }]
    expect(again.welcomed.turns).to.deep.equal([{ turnId, attempt: 1, acknowledged: true, lanes }])
    const completed = again.voice({ turnId, attempt: 1 }).from(7).response(' waiting').complete()
    await again.handled()
    expect(again.errors()).to.deep.equal([])
    open()
    expect(await completed).to.include({ ok: true, status: 'finished' })
    await viewer.ended(turnId)
    again.close()
    expect((await bench().drone()).welcomed.turns).to.deep.equal([])
  })

  it('[DR9] of a turn that has ended answers how it ended: the first end wins', async () => {
    const { drone, viewer, turnId, voice } = await atWork(bench())
    await voice.response('ok').complete()
    expect(await voice.complete(false, 'no')).to.include({ ok: true, status: 'finished' })
    await viewer.ended(turnId)
    const other = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const stranger = await bench().drone({}, await bench().relay.keyOf('drone', 'bob'))
    expect((await stranger.voice({ turnId, attempt: 1 }).complete()).error?.code).to.equal('not_found')
    expect((await drone.voice({ turnId: 'unknown', attempt: 1 }).complete()).error?.code).to.equal(
      'not_found',
    )
    expect(viewer.statuses(turnId).filter(({ status }) => status === 'finished')).to.have.lengthOf(1)
    other.close()
  })

  it('[DR9] by a drone that does not have the turn, or of another attempt, is fenced', async () => {
    const { drone, turnId, voice } = await atWork(bench())
    const other = await bench().drone({ name: 'other' })
    expect((await other.voice({ turnId, attempt: 1 }).complete()).error?.code).to.equal('fenced')
    expect((await drone.voice({ turnId, attempt: 2 }).complete()).error?.code).to.equal('fenced')
    expect((await drone.ask('workOrderComplete', turnId, true)).error?.code).to.equal('invalid_payload')
    expect(await voice.complete()).to.include({ ok: true })
  })

  it('[DR10] makes room: the next turn is given, with the conversation so far', async () => {
    const { drone, viewer, chatSessionId, voice } = await atWork(bench())
    await voice.thinking('hm').response('It is done.').complete()
    await viewer.send('And now?', { chatSessionId })
    const { prompt, history } = await drone.order(2)
    expect(prompt).to.equal('And now?')
    expect(history.map(({ role, content }) => [role, content])).to.deep.equal([
      ['user', 'Do it.'],
      ['assistant', 'It is done.'],
    ])
  })
})
