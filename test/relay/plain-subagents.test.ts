import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

async function atWork(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.plain(), await bench.viewer()]
  const sent = await viewer.send()
  await drone.order()
  const finish = async () => {
    expect(await drone.ask('workOrderComplete', sent.turnId, true)).to.include({ ok: true })
    await viewer.ended(sent.turnId)
    expect(viewer.faults).to.deep.equal([])
    return bench.turn(sent.turnId)
  }
  return { drone, viewer, ...sent, finish }
}

onEveryStore('A subagent of a plain drone', (bench) => {
  it('[PL9] speaks in its own lane, and its calls are answered by id or by tool', async () => {
    const { drone, viewer, turnId, finish } = await atWork(bench())
    drone.emit('toolCall', 'a1', 'task', '{}', '')
    drone.emit('agent:thinking', { agentId: 'a1', thinking: 'hm' })
    drone.emit('agent:tool-call', { agentId: 'a1', tool: 'read', args: { path: 'a' }, callId: 'r1' })
    drone.emit('agent:tool-call', { agentId: 'a1', tool: 'read', args: 'b' })
    drone.emit('agent:tool-result', { agentId: 'a1', tool: 'read', result: 'of a' })
    drone.emit('agent:tool-result', { agentId: 'a1', tool: 'read', result: { of: 'b' }, isError: true })
    drone.emit('agent:response', { agentId: 'a1', chunk: 'found' })
    drone.emit('agent:complete', {
      agentId: 'a1',
      response: 'all',
      subagent: { name: 'x' },
      stats: { ms: 3 },
    })
    drone.emit('response', 'done')
    const { lanes, toolCalls } = await finish()
    const blocks = lanes?.['a1']?.blocks ?? []
    expect(blocks.map(({ mode }) => mode)).to.deep.equal(['thinking', 'tool', 'tool', 'responding'])
    expect(blocks[1]?.content).to.include({ callId: 'r1', parameters: '{"path":"a"}', response: 'of a' })
    expect(blocks[2]?.content).to.include({ parameters: 'b', response: '{"of":"b"}', isError: true })
    expect(toolCalls[0]).to.deep.include({
      callId: 'a1',
      response: 'all',
      subagent: { name: 'x' },
      stats: { ms: 3 },
    })
    expect(viewer.text(turnId)).to.equal('[a1](a1)done')
  })

  it('[PL9] whose end comes before its call waits for it', async () => {
    const { drone, finish } = await atWork(bench())
    drone.emit('agent:response', { agentId: 'a1', chunk: 'quick' })
    drone.emit('agent:complete', { agentId: 'a1', response: 'all' })
    drone.emit('response', 'meanwhile')
    drone.emit('toolCall', 'a1', 'task', '{}', '')
    const { toolCalls, blocks } = await finish()
    expect(toolCalls).to.have.lengthOf(1)
    expect(toolCalls[0]).to.include({ callId: 'a1', response: 'all' })
    expect(blocks.map(({ mode }) => mode)).to.deep.equal(['responding', 'tool'])
  })

  it('[PL9] of a subagent ends in the lane of its parent', async () => {
    const { drone, finish } = await atWork(bench())
    drone.emit('toolCall', 'a1', 'task', '{}', '')
    drone.emit('agent:tool-call', { agentId: 'a1', tool: 'task', args: '{}', callId: 'a2' })
    drone.emit('agent:response', { agentId: 'a2', chunk: 'deep' })
    drone.emit('agent:complete', { agentId: 'a2', response: 'from below' })
    drone.emit('agent:complete', { agentId: 'a1', response: 'from above' })
    const { lanes, toolCalls } = await finish()
    expect(lanes?.['a1']?.blocks[0]?.content).to.include({ callId: 'a2', response: 'from below' })
    expect(lanes?.['a2']?.blocks[0]?.content).to.equal('deep')
    expect(toolCalls[0]).to.include({ response: 'from above' })
  })

  it('[PL9] may be called like anything at all', async () => {
    const { drone, viewer, turnId, finish } = await atWork(bench())
    for (const agentId of ['__proto__', 'constructor', '../x', '😀 .$']) {
      drone.emit('toolCall', agentId, 'task', '{}', '')
      drone.emit('agent:response', { agentId, chunk: `I am ${agentId}` })
      drone.emit('agent:complete', { agentId, response: agentId })
    }
    const { lanes, toolCalls } = await finish()
    expect(toolCalls.map(({ callId, response }) => callId === response)).to.deep.equal([
      true,
      true,
      true,
      true,
    ])
    expect(Object.keys(lanes ?? {})).to.have.members(['__proto__', 'constructor', '../x', '😀 .$'])
    expect(viewer.text(turnId, '__proto__')).to.equal('I am __proto__')
  })

  it('[PL9] answers no call that is not open', async () => {
    const { drone, finish } = await atWork(bench())
    drone.emit('agent:tool-result', { agentId: 'a1', tool: 'read', result: 'of nothing' })
    expect(await drone.error('invalid_payload')).to.include({ event: 'agent:tool-result' })
    expect((await finish()).lanes).to.equal(undefined)
  })

  it('[PL9] has no words of its own kind where positions are used: a drone with an instance is refused', async () => {
    await bench().start()
    const drone = await bench().drone()
    drone.emit('agent:thinking', { agentId: 'a1', thinking: 'hm' })
    expect(await drone.error('invalid_payload')).to.include({ event: 'agent:thinking' })
  })
})
