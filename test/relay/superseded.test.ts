import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import { registrationOf } from '../support/raw-socket.ts'

onEveryStore('A drone that connects again', (bench) => {
  it('[SE6] replaces its older connection, which is told so and cut', async () => {
    await bench().start()
    const first = await bench().drone()
    const second = await bench().drone()
    expect(await first.error('superseded')).to.include({ retryable: false })
    await first.until('the disconnect', () => first.disconnectedFor)
    expect(first.disconnectedFor).to.equal('io server disconnect')
    expect(second.welcomed.registrationId).to.equal(first.welcomed.registrationId)
  })

  it('[RC1] goes on with its turn over the newer connection, however long ago the older was cut', async () => {
    await bench().start({ graceMs: '50' })
    const viewer = await bench().viewer()
    const first = await bench().drone()
    const { turnId } = await viewer.send()
    const order = await first.order()
    first.voice(order).response('one ')
    await first.checkpoint(4)
    const second = await bench().drone()
    expect(second.welcomed.turns).to.deep.equal([
      { turnId, attempt: 1, acknowledged: true, lanes: [{ lane: '', offset: 4 }] },
    ])
    // Longer than the grace of a drone that is gone: had anybody waited for the older one, the turn had failed by then.
    await first.until('the disconnect', () => first.disconnectedFor)
    const another = await bench().drone({ name: 'witness', workspaceId: 'w9' })
    another.close()
    await viewer.event(
      'drone:changed',
      ({ name, state }: { name: string; state: string }) => name === 'witness' && state === 'gone',
    )
    await second.voice(order).from(4).response('two').complete()
    const end = await viewer.ended(turnId)
    expect(end).to.include({ status: 'finished', attempt: 1 })
    expect(viewer.text(turnId)).to.equal('one two')
    expect(viewer.statuses(turnId).some(({ status }) => status === 'recovering')).to.equal(false)
  })

  it('[SE7] as an instance that another one has replaced is refused, also after the relay was restarted', async () => {
    await bench().start()
    await bench().drone({ instanceId: 'i1' })
    await bench().drone({ instanceId: 'i2' })
    const auth = () => ({
      token: bench().relay.keys.drone,
      registration: registrationOf({ instanceId: 'i1' }),
    })
    for (const restart of [false, true]) {
      if (restart) await bench().restart()
      const back = bench().socket('/drone', auth())
      const refusal = await back.until('a refusal', () => back.refusal)
      expect(refusal).to.include({ code: 'superseded', retryable: false })
    }
    await bench().drone({ instanceId: 'i2' })
    await bench().drone({ instanceId: 'i3' })
  })

  it('[SE7] is another drone where its droneId, or else its name, host or workspace is another', async () => {
    await bench().start()
    const many = [{}, { name: 'b' }, { hostname: 'b' }, { workspaceId: 'b' }, { droneId: 'b' }]
    const drones = await Promise.all(many.map((registration) => bench().drone(registration)))
    const stranger = await bench().drone({}, await bench().relay.keyOf('drone', 'bob'))
    const ids = [...drones, stranger].map(({ welcomed }) => welcomed.registrationId)
    expect(new Set(ids).size).to.equal(6)
    const moved = await bench().drone({ droneId: 'b', name: 'c', workspaceId: 'd', instanceId: 'i2' })
    expect(moved.welcomed.registrationId).to.equal(ids[4])
  })
})
