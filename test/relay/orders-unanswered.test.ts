import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('An order that is not acknowledged', (bench) => {
  it('[RC7] in time goes to another drone under the next attempt, and the first is told to stop', async () => {
    await bench().start({ dispatchAckMs: '150' })
    const viewer = await bench().viewer()
    const silent = await bench().drone({ droneId: 'silent' })
    silent.acknowledges = false
    const { turnId } = await viewer.send('Go.', { droneId: 'silent' })
    await silent.order()
    const other = await bench().drone({ droneId: 'other' })
    const order = await other.order()
    expect(order).to.include({ turnId, attempt: 2 })
    expect((await silent.event('abortWorkOrder'))[0]).to.deep.equal({ turnId, attempt: 1 })
    silent.voice({ turnId, attempt: 1 }).response('late')
    await silent.error('fenced')
    await other.voice(order).response('in time').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('in time')
    expect(silent.orders).to.have.lengthOf(1)
  })

  it('[RC7] because the drone refuses it goes to another too', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const busy = await bench().drone({ droneId: 'busy' })
    busy.acknowledges = false
    const { turnId } = await viewer.send('Go.', { droneId: 'busy' })
    await busy.order()
    const other = await bench().drone({ droneId: 'other' })
    busy.acks[0]?.({ ok: false, error: { code: 'drone_busy', message: 'no', retryable: true } })
    expect(await other.order()).to.include({ turnId, attempt: 2 })
  })

  it('[RC7] is given again on a reconnect, the same attempt; its first word acknowledges it too', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    drone.acknowledges = false
    const { turnId } = await viewer.send()
    await drone.order()
    drone.close()
    const again = await bench().drone()
    again.acknowledges = false
    expect(again.welcomed.turns).to.deep.equal([{ turnId, attempt: 1, acknowledged: false, lanes: [] }])
    again.voice(await again.order()).response('here')
    await again.checkpoint(4)
    again.close()
    const third = await bench().drone()
    expect(third.welcomed.turns[0]).to.include({ turnId, attempt: 1, acknowledged: true })
    await third.handled()
    expect(third.orders).to.deep.equal([])
  })

  it('[RC26] because the drone had begun that attempt comes as the next one, to it too', async () => {
    const { drone, viewer, turnId } = await begunBefore({ sideEffects: false })
    const order = await drone.order(2)
    expect(order).to.include({ turnId, attempt: 2 })
    await drone.voice(order).response('anew').complete()
    await viewer.ended(turnId)
    expect(viewer.text(turnId)).to.equal('anew')
  })

  for (const details of [{ sideEffects: true }, undefined, 'nonsense']) {
    it(`[RC26] waits for a yes where the drone had begun it and says ${JSON.stringify(details)}`, async () => {
      const { viewer, turnId } = await begunBefore(details)
      const waiting = await viewer.status(turnId, 'recovering')
      expect(waiting).to.include({ attempt: 1, waitingFor: 'retry' })
      expect(waiting.reason).to.match(/had begun the attempt and given it up/)
    })
  }

  async function begunBefore(details: unknown) {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    drone.acknowledges = false
    const { turnId } = await viewer.send()
    await drone.order()
    drone.acknowledges = true
    drone.acks[0]?.({ ok: false, error: { code: 'fenced', message: 'begun', retryable: false, details } })
    return { drone, viewer, turnId }
  }
})
