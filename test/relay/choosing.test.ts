import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

const OFFERS = {
  models: [{ id: 'large', provider: 'acme' }, { id: 'small' }],
  thinkingLevels: ['low', 'high'],
}

/** A session whose first turn is over, and its drone. */
async function session(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone({ droneId: 'd1', ...OFFERS }), await bench.viewer()]
  const { chatSessionId, turnId } = await viewer.send()
  await drone.voice(await drone.order()).complete()
  await viewer.ended(turnId)
  return { drone, viewer, chatSessionId }
}

type Refusal = { error?: { code: string; details?: unknown } }

onEveryStore('The model and the thinking of a session', (bench) => {
  it('[CS4] are chosen of what its drone offers, told to every viewer, and in its orders from then on', async () => {
    const { drone, viewer, chatSessionId } = await session(bench())
    const other = await bench().viewer()
    await other.join(chatSessionId)
    expect(await viewer.ask('set:model', { chatSessionId, model: 'large' })).to.deep.equal({ ok: true })
    expect(await viewer.ask('set:thinking', { chatSessionId, level: 'high' })).to.deep.equal({ ok: true })
    const chosen = { model: 'large', provider: 'acme', thinkingLevel: 'high' }
    const told = () => other.all('session:info').at(-1)?.[0]
    await other.until(
      'both',
      () => (told() as { thinkingLevel?: string } | undefined)?.thinkingLevel === 'high',
    )
    expect(told()).to.deep.include({ chatSessionId, droneId: 'd1', ...chosen })
    await viewer.send('Next.', { chatSessionId })
    const order = await drone.order(2)
    expect(order).to.include(chosen)
    await drone.voice(order).complete()
    await viewer.ended(order.turnId)
    await viewer.send('With another.', { chatSessionId, model: 'small' })
    expect(await drone.order(3)).to.include({ model: 'small', thinkingLevel: 'high' })
    expect([viewer.faults, other.faults]).to.deep.equal([[], []])
  })

  it('[CS4] last over a restart of the relay, until they are cleared', async () => {
    const { viewer, chatSessionId } = await session(bench())
    await viewer.ask('set:model', { chatSessionId, model: 'large' })
    await bench().restart()
    const [drone, again] = [await bench().drone({ droneId: 'd1', ...OFFERS }), await bench().viewer()]
    const { session: joined } = await again.join(chatSessionId)
    expect(joined).to.include({ model: 'large', provider: 'acme' })
    expect(await again.ask('set:model', { chatSessionId, model: null })).to.deep.equal({ ok: true })
    await again.send('Next.', { chatSessionId })
    expect(await drone.order()).to.not.have.any.keys('model', 'provider', 'thinkingLevel')
  })

  it('[CS4] are refused with the allowed ones where they are not offered, also by what a drone says later', async () => {
    const { drone, viewer, chatSessionId } = await session(bench())
    const ask = async (event: string, payload: object) => (await viewer.ask(event, payload)) as Refusal
    const model = await ask('set:model', { chatSessionId, model: 'huge' })
    expect(model.error).to.deep.include({ code: 'invalid_payload', details: { allowed: ['large', 'small'] } })
    const level = await ask('set:thinking', { chatSessionId, level: 'max' })
    expect(level.error).to.deep.include({ code: 'invalid_payload', details: { allowed: ['low', 'high'] } })
    drone.emit('manifest', { models: [{ id: 'huge' }] })
    await drone.handled()
    expect(await ask('set:model', { chatSessionId, model: 'huge' })).to.deep.equal({ ok: true })
    expect((await ask('set:model', { chatSessionId, model: 'large' })).error).to.deep.include({
      details: { allowed: ['huge'] },
    })
  })

  it('[CS4] are nobody else’s to choose, and nobody’s while no drone is there to say what there is', async () => {
    const { drone, viewer, chatSessionId } = await session(bench())
    const code = async (answer: Promise<object>) => ((await answer) as Refusal).error?.code
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const watcher = await bench().viewer({}, await bench().relay.keyOf('watch', 'ann'))
    const choice = { chatSessionId, model: 'large' }
    expect(await code(stranger.ask('set:model', choice))).to.equal('not_found')
    expect(await code(watcher.ask('set:thinking', { chatSessionId, level: 'low' }))).to.equal('forbidden')
    expect(await code(viewer.ask('set:model', { ...choice, chatSessionId: 'nowhere' }))).to.equal('not_found')
    drone.close()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'away')
    expect(await code(viewer.ask('set:model', choice))).to.equal('drone_offline')
  })
})
