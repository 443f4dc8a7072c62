import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawDrone } from '../support/raw-drone.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

const OPTIONS = [
  { optionId: 'once', name: 'Once', kind: 'allow_once' },
  { optionId: 'no', name: 'No', kind: 'reject_once' },
]

async function atWork(bench: Bench, options: Parameters<Bench['start']>[0] = {}) {
  await bench.start(options)
  const [drone, viewer] = [await bench.drone({ droneId: 'd1' }), await bench.viewer()]
  const sent = await viewer.send()
  const voice = drone.voice(await drone.order())
  return { drone, viewer, voice, ...sent }
}

type Place = { readonly turnId: string; readonly attempt: number }

function question(place: Place, more: object = {}): object {
  const toolCall = { callId: 'c1', name: 'rm', detail: { kind: 'delete', locations: [{ path: '/a' }] } }
  return { requestId: 'r1', ...place, title: 'Delete /a?', toolCall, options: OPTIONS, ...more }
}

function resolved(peer: RawDrone | RawViewer): unknown[] {
  return peer.all('permission:resolved').map(([payload]) => payload)
}

function choose(viewer: RawViewer, optionId = 'once', requestId = 'r1', droneId = 'd1') {
  return viewer.ask('permission:respond', { droneId, requestId, optionId })
}

onEveryStore('A question of an agent', (bench) => {
  it('[PM1] is put to every viewer, also to one that joins later, and its answer comes back', async () => {
    const { drone, viewer, voice, turnId, chatSessionId } = await atWork(bench())
    voice.call('c1', { name: 'rm' })
    expect(await drone.ask('permission:request', question(voice.place))).to.deep.equal({ ok: true })
    const [asked] = await viewer.event('permission:request')
    expect(asked).to.deep.include({ ...question(voice.place), droneId: 'd1', chatSessionId })
    expect((await viewer.status(turnId, 'processing')).waitingFor).to.equal('permission')

    const late = await bench().viewer()
    const { permissions, turns } = await late.join(chatSessionId)
    expect(permissions).to.have.lengthOf(1)
    expect(permissions[0]).to.deep.include({ ...question(voice.place), droneId: 'd1' })
    expect(permissions[0]?.expiresInMs).to.be.within(80_000_000, 86_400_000)
    expect(turns[0]).to.include({ status: 'processing', waitingFor: 'permission' })

    const open = async (key?: string) => {
      const response = await bench().request('/api/v1/permissions', key === undefined ? 'watch' : { key })
      return ((await response.json()) as { permissions: { requestId: string; chatSessionId: string }[] })
        .permissions
    }
    const [listed, ...others] = await open()
    expect(listed).to.include({ requestId: 'r1', chatSessionId })
    expect([...others, ...(await open(await bench().relay.keyOf('code', 'bob')))]).to.deep.equal([])
    expect(await choose(late)).to.deep.equal({ ok: true, optionId: 'once', by: 'ann' })
    expect(await open()).to.deep.equal([])
    expect((await drone.event('permission:resolved'))[0]).to.deep.equal({
      requestId: 'r1',
      optionId: 'once',
      by: 'ann',
    })
    expect((await viewer.event('permission:resolved'))[0]).to.deep.include({
      droneId: 'd1',
      requestId: 'r1',
      optionId: 'once',
      by: 'ann',
    })
    await viewer.until('nothing waits', () => {
      const last = viewer.statuses(turnId).at(-1)
      return last?.status === 'processing' && last.waitingFor === undefined
    })
    await voice.result('c1', 'gone').complete()
    await Promise.all([viewer.ended(turnId), late.ended(turnId)])
    const [stored] = (await bench().turn(turnId)).permissions ?? []
    expect(stored).to.deep.include({ requestId: 'r1', title: 'Delete /a?', callId: 'c1', options: OPTIONS })
    expect(stored?.answer).to.include({ optionId: 'once', by: 'ann' })
    expect([viewer.faults, late.faults]).to.deep.equal([[], []])
  })

  it('[PM2] takes the first answer, and tells a later one what it was', async () => {
    const { drone, viewer, voice } = await atWork(bench())
    await drone.ask('permission:request', question(voice.place))
    const other = await bench().viewer()
    const answers = await Promise.all([choose(viewer, 'once'), choose(other, 'no')])
    const winner = (await bench().turn(voice.place.turnId)).permissions?.[0]?.answer?.optionId
    expect(answers.map(({ optionId }) => optionId)).to.deep.equal([winner, winner])
    expect(await choose(other, winner === 'no' ? 'once' : 'no')).to.include({ ok: true, optionId: winner })
    await drone.handled()
    expect(resolved(drone)).to.deep.equal([{ requestId: 'r1', optionId: winner, by: 'ann' }])
  })

  it('[PM1] asked again, as after a reconnect, is one question; other words under its id are refused', async () => {
    const { drone, viewer, voice } = await atWork(bench())
    await Promise.all([
      drone.ask('permission:request', question(voice.place)),
      drone.ask('permission:request', question(voice.place)),
    ])
    expect(await drone.ask('permission:request', question(voice.place))).to.deep.equal({ ok: true })
    expect(viewer.all('permission:request')).to.have.lengthOf(1)
    await choose(viewer)
    await drone.event('permission:resolved')
    await drone.ask('permission:request', question(voice.place))
    expect(resolved(drone)).to.have.lengthOf(2)
    await voice.complete()
    await viewer.send('Next.')
    const next = drone.voice(await drone.order(2))
    expect(await drone.ask('permission:request', question(next.place))).to.deep.include({ ok: false })
  })

  it('[PM3] waits through a restart of the relay, and its answer for the drone to come back', async () => {
    const { drone, viewer, voice, chatSessionId } = await atWork(bench())
    await drone.ask('permission:request', question(voice.place))
    await drone.ask('permission:request', question(voice.place, { requestId: 'r2' }))
    await choose(viewer, 'no', 'r2')
    await bench().restart()
    const again = await bench().viewer()
    const { permissions } = await again.join(chatSessionId)
    expect(permissions.map(({ requestId }) => requestId)).to.deep.equal(['r1'])
    expect(await choose(again)).to.include({ ok: true, optionId: 'once' })
    const back = await bench().drone({ droneId: 'd1' })
    await back.until('both answers', () => resolved(back).length === 2)
    expect(resolved(back)).to.have.deep.members([
      { requestId: 'r1', optionId: 'once', by: 'ann' },
      { requestId: 'r2', optionId: 'no', by: 'ann' },
    ])
  })

  it('[PM4] that nobody answers in time is a no to all, for a choice that comes too late as well', async () => {
    const { drone, viewer, voice } = await atWork(bench(), { permissionMs: '50' })
    await drone.ask('permission:request', question(voice.place, { expiresInMs: 3_600_000 }))
    const none = { requestId: 'r1', optionId: null }
    expect((await drone.event('permission:resolved'))[0]).to.deep.equal(none)
    expect((await viewer.event('permission:resolved'))[0]).to.deep.include(none)
    expect(await choose(viewer)).to.deep.equal({ ok: true, optionId: null })
    const [stored] = (await bench().turn(voice.place.turnId)).permissions ?? []
    expect(stored?.answer).to.deep.include({ optionId: null })
  })

  it('[PM4] is over with its attempt: the next one has none, and asks its own', async () => {
    const { drone, viewer, voice, turnId, chatSessionId } = await atWork(bench())
    await drone.ask('permission:request', question(voice.place))
    const restarted = await bench().drone({ droneId: 'd1', instanceId: 'i2' })
    const place = { turnId, attempt: (await restarted.attempt(2)).attempt }
    expect((await viewer.event('permission:resolved'))[0]).to.deep.include({
      requestId: 'r1',
      optionId: null,
    })
    expect((await viewer.join(chatSessionId)).permissions).to.deep.equal([])
    expect(await choose(viewer)).to.include({ ok: true, optionId: null })
    expect(await restarted.ask('permission:request', question(voice.place))).to.deep.include({ ok: false })
    expect(await restarted.ask('permission:request', question(place, { requestId: 'r2' }))).to.deep.equal({
      ok: true,
    })
    await choose(viewer, 'no', 'r2')
    await restarted.event('permission:resolved')
    expect(resolved(restarted)).to.deep.include({ requestId: 'r2', optionId: 'no', by: 'ann' })
    expect((await bench().turn(turnId, 1)).permissions).to.have.lengthOf(1)
  })

  it('[PM4] is over with its turn, of which nobody hears that it goes on', async () => {
    const { drone, viewer, voice, turnId, chatSessionId } = await atWork(bench())
    await drone.ask('permission:request', question(voice.place))
    await viewer.ask('abort', { chatSessionId })
    await viewer.event('permission:resolved')
    await viewer.ask('session:list', {})
    expect(viewer.statuses(turnId).at(-1)?.status).to.equal('aborted')
    expect(viewer.faults).to.deep.equal([])
  })

  it('[PM5] of which nobody silent is blamed: a turn that waits for people is not idle', async () => {
    const { drone, viewer, voice, turnId } = await atWork(bench(), { idleMs: '150', permissionMs: '400' })
    await drone.ask('permission:request', question(voice.place))
    await viewer.event('permission:resolved')
    expect(viewer.statuses(turnId).filter(({ status }) => status === 'failed')).to.deep.equal([])
    expect((await viewer.ended(turnId)).reason).to.match(/said nothing/)
  })

  it('[PM6] is nobody else’s: strangers, watchers, unknown drones, options and attempts', async () => {
    const { drone, viewer, voice, turnId } = await atWork(bench())
    await drone.ask('permission:request', question(voice.place))
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const watcher = await bench().viewer({}, await bench().relay.keyOf('watch', 'ann'))
    const code = async (answer: Promise<object>) =>
      ((await answer) as { error?: { code: string } }).error?.code
    expect(await code(choose(stranger))).to.equal('not_found')
    expect(await code(choose(watcher))).to.equal('forbidden')
    expect(await code(choose(viewer, 'once', 'r9'))).to.equal('not_found')
    expect(await code(choose(viewer, 'once', 'r1', 'd9'))).to.equal('not_found')
    const wrong = (await choose(viewer, 'maybe')) as unknown as { error: object }
    expect(wrong.error).to.deep.include({ code: 'invalid_payload', details: { allowed: ['once', 'no'] } })
    const ask = (more: object) => code(drone.ask('permission:request', question(voice.place, more)))
    expect(await ask({ requestId: 'r2', attempt: 2 })).to.equal('invalid_payload')
    expect(await ask({ requestId: 'r2', turnId: 'nowhere' })).to.equal('fenced')
    expect(await ask({ requestId: 'r2', options: [] })).to.equal('invalid_payload')
    expect(await ask({ requestId: 'r2', title: 'x'.repeat(300_000) })).to.equal('payload_too_large')
    expect((await bench().turn(turnId)).permissions?.map(({ answer }) => answer)).to.deep.equal([undefined])
  })

  it('[PM6] too many of which at a time are refused, and the others stay', async () => {
    const { drone, viewer, voice, chatSessionId } = await atWork(bench())
    const asked = Array.from({ length: 101 }, (_, index) =>
      drone.ask('permission:request', question(voice.place, { requestId: `r${index}` })),
    )
    const refused = (await Promise.all(asked)).filter(({ ok }) => !ok)
    expect(refused.map(({ error }) => (error as { code: string }).code)).to.deep.equal(['rate_limited'])
    expect((await viewer.join(chatSessionId)).permissions).to.have.lengthOf(100)
  })
})
