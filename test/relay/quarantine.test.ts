import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'

onEveryStore('A drone that crashes again and again', (bench) => {
  const registrationIdOf = async (): Promise<string> => {
    const response = await bench().request('/api/v1/drones', 'ops')
    const { drones } = (await response.json()) as { drones: { registrationId: string }[] }
    return drones[0]?.registrationId ?? ''
  }

  /** It takes its order, says something, and is restarted: as often as its turn may be tried. */
  async function crashUntilFailed(options = {}) {
    await bench().start({ maxAttempts: '3', quarantineAfter: '3', ...options })
    const [first, viewer] = [await bench().drone({ instanceId: 'i1' }), await bench().viewer()]
    const sent = await viewer.send()
    let drone = first
    for (let attempt = 1; attempt <= 3; attempt++) {
      const order = await drone.attempt(attempt)
      drone.voice(order).response('x')
      await drone.checkpoint(1)
      drone = await bench().drone({ instanceId: `i${attempt + 1}` })
    }
    return { drone, viewer, ...sent }
  }

  it('[RC18] gets no work until an operator says so, and everybody sees why', async () => {
    const { drone, viewer, turnId, chatSessionId } = await crashUntilFailed()
    expect((await viewer.ended(turnId)).reason).to.match(/3 attempts/)
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'quarantined')
    const ops = await bench().ops()
    const [fleet] = ops.all('fleet')[0] as [{ drones: { state: string; quarantine?: string }[] }]
    expect(fleet.drones[0]).to.include({ state: 'quarantined' })
    expect(fleet.drones[0]?.quarantine).to.match(/3 times in a row/)
    expect((await viewer.send('again', { chatSessionId })).status).to.equal('queued')
    await drone.handled()
    expect(drone.orders).to.deep.equal([])

    const registrationId = await registrationIdOf()
    expect(await ops.ask('release', { registrationId, reason: 'mended' })).to.deep.equal({ ok: true })
    await drone
      .voice(await drone.order())
      .response('fine')
      .complete()
    const { items } = await bench().relay.store.listAudit({ limit: 10 })
    expect(items.map(({ action, reason }) => [action, reason])).to.deep.equal([['release', 'mended']])
  })

  it('[RC18] is still in quarantine when the relay was restarted', async () => {
    await crashUntilFailed()
    await bench().restart()
    const [drone, viewer] = [await bench().drone({ instanceId: 'i9' }), await bench().viewer()]
    expect((await viewer.send()).status).to.equal('queued')
    await drone.handled()
    expect(drone.orders).to.deep.equal([])
  })

  it('[RC18] begins anew once it has brought a turn to its end', async () => {
    const { drone, viewer, turnId } = await crashUntilFailed({ quarantineAfter: '4' })
    await viewer.ended(turnId)
    const next = await viewer.send('a second one')
    await drone.voice(await drone.order()).complete()
    await viewer.until('its end', () => viewer.statuses(next.turnId).find(({ heads }) => heads))
    await viewer.send('a third one')
    drone.voice(await drone.order(2)).response('x')
    await drone.checkpoint(1)
    const again = await bench().drone({ instanceId: 'i9' })
    expect(await again.order()).to.include({ attempt: 2 })
  })

  it('[RC18] is put into quarantine by an operator, over HTTP too', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const registrationId = await registrationIdOf()
    const ask = (action: string, id: string, body: object): Promise<Response> =>
      bench().request(`/api/v1/drones/${id}/${action}`, 'ops', { method: 'POST', body: JSON.stringify(body) })
    expect((await ask('quarantine', 'unknown', { reason: 'odd' })).status).to.equal(404)
    expect((await ask('quarantine', registrationId, {})).status).to.equal(400)
    expect((await ask('quarantine', registrationId, { reason: 'odd' })).status).to.equal(200)
    expect((await viewer.send()).status).to.equal('queued')
    await drone.handled()
    expect(drone.orders).to.deep.equal([])
    expect((await ask('release', registrationId, { reason: 'fine' })).status).to.equal(200)
    await drone.order()
  })
})
