import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore("A drone's turn", (bench) => {
  it('[DR1] is given as an order that says what was asked, and is worked on once it is acknowledged', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    drone.acknowledges = false
    const sent = await viewer.send('Dig a hole.')
    const order = await drone.order()
    expect(order).to.include({ turnId: sent.turnId, attempt: 1, chatSessionId: sent.chatSessionId })
    expect(order).to.include({ workspaceId: 'w1', prompt: 'Dig a hole.' })
    expect(order.history).to.deep.equal([])
    drone.acks[0]?.({ ok: true })
    await viewer.event('turn:started')
  })

  it('[DR2] is read back in blocks, in the order in which they were said', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    voice.thinking('Let me ').thinking('see.').call('c1', { name: 'read', params: '{"path":"a"}' })
    voice.result('c1', 'half').response('Here ').result('c1', 'whole', { isError: false }).response('it is.')
    voice.call('c2', { response: 'at once' })
    expect(await voice.complete()).to.include({ ok: true, status: 'finished' })

    const turn = await bench().turn(turnId)
    expect(turn.status).to.equal('finished')
    expect(turn.blocks.map(({ mode }) => mode)).to.deep.equal(['thinking', 'tool', 'responding', 'tool'])
    expect(turn.blocks[0]?.content).to.equal('Let me see.')
    expect(turn.blocks[2]?.content).to.equal('Here it is.')
    expect(turn.toolCalls[0]).to.include({
      callId: 'c1',
      name: 'read',
      parameters: '{"path":"a"}',
      response: 'whole',
    })
    expect(turn.toolCalls[1]).to.include({ callId: 'c2', response: 'at once' })
    expect(turn.stats.toolCallCount).to.equal(2)
    expect(turn.heads).to.deep.equal(voice.heads())
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('Let me see.[c1](c1)Here (c1)it is.[c2]')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[DR2] keeps the words of every subagent in a lane of its own', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    voice.call('a1', { name: 'task' }).thinking('hm', 'a1').call('s1', { lane: 'a1' })
    voice.result('s1', 'ok', { lane: 'a1' }).response('done', 'a1').response('meanwhile')
    voice.result('a1', 'done', { subagent: { type: 'explorer' }, stats: { tokens: 5 } })
    await voice.complete()

    const turn = await bench().turn(turnId)
    expect(turn.lanes?.['a1']?.blocks.map(({ mode }) => mode)).to.deep.equal([
      'thinking',
      'tool',
      'responding',
    ])
    expect(turn.toolCalls[0]).to.deep.include({ subagent: { type: 'explorer' }, stats: { tokens: 5 } })
    expect(turn.stats.toolCallCount).to.equal(1)
    await viewer.ended(turnId)
    expect(viewer.text(turnId, 'a1')).to.equal('hm[s1](s1)done')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[DR3] is checkpointed only up to what a reader gets already', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    const stored: Promise<number>[] = []
    drone.socket.on('checkpoint', (at: { offset: number }) => {
      stored.push(
        bench()
          .turn(turnId)
          .then(({ heads }) => (heads.find(({ lane }) => lane === '')?.offset ?? 0) - at.offset),
      )
    })
    for (let piece = 0; piece < 20; piece++) {
      voice.response(`piece ${piece} `)
      await drone.checkpoint(voice.length())
    }
    expect(Math.min(...(await Promise.all(stored)))).to.be.at.least(0)
  })
})
