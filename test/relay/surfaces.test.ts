import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

const BOARD = {
  surfaceId: 'board',
  title: 'Board',
  spec: { rows: [1, 2] },
  actions: [{ actionId: 'go', label: 'Go' }],
}
const METRICS = { surfaceId: 'session-metrics', title: 'What the session has used' }

function catalog(viewer: RawViewer): { stale?: boolean }[] | undefined {
  return (viewer.all('catalog').at(-1)?.[0] as { surfaces: object[] } | undefined)?.surfaces
}

onEveryStore('Surfaces', (bench) => {
  it('[SF1] are in the catalog, drawn by who subscribes, and gone when they are taken away', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    expect(catalog(viewer)).to.deep.equal([METRICS])
    drone.emit('surface:update', BOARD)
    await viewer.until('the board', () => catalog(viewer)?.length === 2)
    expect(catalog(viewer)?.[1]).to.deep.equal({ droneId: 'd1', surfaceId: 'board', title: 'Board' })
    const named = { droneId: 'd1', surfaceId: 'board' }
    expect(await viewer.ask('surface:subscribe', named)).to.deep.equal({ ok: true, spec: BOARD.spec })
    drone.emit('surface:update', { ...BOARD, spec: { rows: [] } })
    expect((await viewer.event('surface:update'))[0]).to.deep.include({ ...named, spec: { rows: [] } })
    const late = await bench().viewer()
    expect(catalog(late)).to.have.lengthOf(2)
    await viewer.ask('surface:unsubscribe', named)
    drone.emit('surface:update', { ...BOARD, spec: null })
    await late.until('it to be gone', () => catalog(late)?.length === 1)
    expect(viewer.all('surface:update')).to.have.lengthOf(1)
    expect((await viewer.ask('surface:subscribe', named)).error?.code).to.equal('not_found')
  })

  it('[SF2] hand what is pressed to their drone, once for each request', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const pressed: object[] = []
    drone.socket.on('surface:invoke', (action: object, ack: (answer: object) => void) => {
      pressed.push(action)
      ack({ ok: true })
    })
    drone.emit('surface:update', BOARD)
    await viewer.until('the board', () => catalog(viewer)?.length === 2)
    const action = { surfaceId: 'board', requestId: 'r1', actionId: 'go', payload: { x: 1 } }
    for (let time = 0; time < 2; time++)
      expect(await viewer.ask('surface:invoke', { droneId: 'd1', ...action })).to.deep.equal({ ok: true })
    expect(pressed).to.deep.equal([action])
    const wrong = { droneId: 'd1', ...action, requestId: 'r2', actionId: 'stop' }
    expect((await viewer.ask('surface:invoke', wrong)).error).to.deep.include({
      code: 'invalid_payload',
      details: { allowed: ['go'] },
    })
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect((await bob.ask('surface:invoke', { droneId: 'd1', ...action })).error?.code).to.equal('not_found')
    drone.close()
    await viewer.until('it to be stale', () => catalog(viewer)?.[1]?.stale === true)
    const late = await viewer.ask('surface:invoke', { droneId: 'd1', ...action, requestId: 'r3' })
    expect(late.error?.code).to.equal('drone_offline')
  })

  it('[SF3] of a drone that is gone are marked, until it shows them again', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    drone.emit('surface:update', BOARD)
    await viewer.until('the board', () => catalog(viewer)?.length === 2)
    drone.close()
    await viewer.until('it to be stale', () => catalog(viewer)?.[1]?.stale === true)
    const back = await bench().drone({ droneId: 'd1' })
    back.emit('surface:update', BOARD)
    await viewer.until('it to be fresh', () => catalog(viewer)?.[1]?.stale !== true)
  })

  it('[SF4] about one session are named by its join; what a session has used is one of the relay', async () => {
    await bench().start()
    const [drone, viewer] = [await bench().drone({ droneId: 'd1' }), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send()
    const voice = drone.voice(await drone.order())
    drone.emit('surface:update', { ...BOARD, chatSessionId })
    await drone.handled()
    const { surfaces } = await (await bench().viewer()).join(chatSessionId)
    expect(surfaces).to.deep.equal([{ droneId: 'd1', surfaceId: 'board', title: 'Board', chatSessionId }])
    const named = { surfaceId: 'session-metrics', chatSessionId }
    expect(await viewer.ask('surface:subscribe', named)).to.deep.equal({
      ok: true,
      spec: { kind: 'metrics', usage: null },
    })
    await voice.complete()
    await viewer.ended(turnId)
    const [told] = await viewer.event(
      'surface:update',
      ({ spec }: { spec: { usage: { turns: number } | null } }) => spec.usage?.turns === 1,
    )
    expect(told).to.include(named)
  })

  it('[SF5] have bounds, and are nobody else’s', async () => {
    await bench().start({ toolBytes: '2000' })
    const drone = await bench().drone({ droneId: 'd1' })
    drone.emit('surface:update', { ...BOARD, spec: 'x'.repeat(3000) })
    expect((await drone.error('payload_too_large')).event).to.equal('surface:update')
    for (let number = 0; number < 101; number++)
      drone.emit('surface:update', { ...BOARD, surfaceId: `s${number}` })
    await drone.error('rate_limited')
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect(catalog(bob)).to.deep.equal([METRICS])
    expect((await bob.ask('surface:subscribe', { droneId: 'd1', surfaceId: 's1' })).error?.code).to.equal(
      'not_found',
    )
  })
})
