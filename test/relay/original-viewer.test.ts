import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('An IDE client of the original', (bench) => {
  it('[VW12] hears subagents as agent:* and the end of its work order after its status', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().plain(), await bench().viewer({ original: true })]
    const { turnId } = await viewer.send()
    await drone.order()
    drone.emit('toolCall', 'a1', 'task', '{}', '')
    drone.emit('agent:thinking', { agentId: 'a1', thinking: 'hm' })
    drone.emit('agent:tool-call', { agentId: 'a1', tool: 'read', args: 'x', callId: 'r1' })
    drone.emit('agent:tool-result', { agentId: 'a1', tool: 'read', result: 'y', callId: 'r1' })
    drone.emit('agent:response', { agentId: 'a1', chunk: 'found' })
    drone.emit('agent:complete', { agentId: 'a1', response: 'all', subagent: { name: 'x' } })
    drone.emit('response', 'done')
    await drone.ask('workOrderComplete', turnId, true)
    const [, success] = await viewer.event('workOrderComplete')
    expect(success).to.equal(true)
    const names = viewer.heard.map(({ name }) => name).filter((name) => !/^(drone:|session:info)/.test(name))
    // Lanes are merged each for itself: within one the order stands.
    const ofSubagent = ['agent:thinking', 'agent:tool-call', 'agent:tool-result', 'agent:response']
    expect(names.filter((name) => ofSubagent.includes(name))).to.deep.equal(ofSubagent)
    const ofTurn = ['toolCall', 'agent:complete', 'response']
    expect(names.filter((name) => ofTurn.includes(name))).to.deep.equal(ofTurn)
    expect(names.slice(0, 3)).to.deep.equal(['welcome', 'turn:status', 'turn:started'])
    expect(names.slice(-2)).to.deep.equal(['turn:status', 'workOrderComplete'])
    const [thought, at] = viewer.all('agent:thinking')[0] ?? []
    expect(thought).to.deep.equal({ agentId: 'a1', thinking: 'hm' })
    expect(at).to.include({ turnId, attempt: 1, lane: 'a1', offset: 0 })
    expect(viewer.all('agent:complete')[0]?.[0]).to.deep.include({
      agentId: 'a1',
      response: 'all',
      subagent: { name: 'x' },
    })
  })

  it('[VW12] hears the same when it joins later, and why a turn failed', async () => {
    await bench().start()
    const [drone, sender] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await sender.send()
    const voice = drone.voice(await drone.order())
    voice.call('a1').response('found', 'a1')
    await drone.checkpoint(5, 'a1')
    const viewer = await bench().viewer({ original: true })
    await viewer.join(chatSessionId)
    await viewer.resumed()
    expect(viewer.all('agent:response')[0]?.[0]).to.deep.equal({ agentId: 'a1', chunk: 'found' })
    await voice.complete(false, 'It broke.')
    expect(await viewer.event('workOrderComplete')).to.deep.equal([turnId, false, 'It broke.'])
  })
})
