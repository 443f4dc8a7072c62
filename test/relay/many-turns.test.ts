import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawDrone } from '../support/raw-drone.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

/** A session with finished turns that say `turn 1`, `turn 2` and so on; their ids, oldest first. */
async function conversation(bench: Bench, length: number) {
  await bench.start()
  const [drone, sender] = [await bench.drone(), await bench.viewer()]
  const { chatSessionId, turnId } = await sender.send('1')
  const turnIds = [turnId]
  await answer(drone, sender, 1)
  for (let number = 2; number <= length; number++) {
    turnIds.push((await sender.send(`${number}`, { chatSessionId })).turnId)
    await answer(drone, sender, number)
  }
  return { drone, sender, chatSessionId, turnIds }
}

async function answer(drone: RawDrone, sender: RawViewer, number: number): Promise<void> {
  const order = await drone.order(number)
  await drone.voice(order).response(`turn ${number}`).complete()
  await sender.ended(order.turnId)
}

onEveryStore('A viewer who was away for many turns', (bench) => {
  it('[VW10] gets all from the oldest turn of its cursors on, in their order, and then what is live', async () => {
    const { drone, sender, chatSessionId, turnIds } = await conversation(bench(), 5)
    const live = await sender.send('6', { chatSessionId })
    const voice = drone.voice(await drone.order(6)).response('live')
    await drone.checkpoint(4)
    const viewer = await bench().viewer()
    const cursor = { turnId: turnIds[2] ?? '', attempt: 1, lane: '', offset: 3 }
    const joined = await viewer.join(chatSessionId, [cursor])
    const expected = [...turnIds.slice(2), live.turnId]
    expect(joined.turns.map(({ turnId }) => turnId)).to.deep.equal(expected)
    expect(joined.turns.map(({ status }) => status)).to.deep.equal([
      'finished',
      'finished',
      'finished',
      'processing',
    ])
    expect(joined.resume.map(({ from }) => from)).to.deep.equal([3, 0, 0, 0])
    expect(joined.more).to.equal(undefined)
    const { heads } = await viewer.resumed()
    expect(heads.map(({ turnId }) => turnId)).to.deep.equal(expected)
    const heard = viewer.all('response').map(([text]) => text)
    expect(heard).to.deep.equal(['n 3', 'turn 4', 'turn 5', 'live'])
    await voice.response(' on').complete()
    await viewer.ended(live.turnId)
    expect(viewer.text(live.turnId)).to.equal('live on')
    expect(viewer.faults.filter((fault) => !fault.includes('an entry at 3'))).to.deep.equal([])
  })

  it('[VW10] further back than 20 turns gets the newest alone, and is told that there is more', async () => {
    const { chatSessionId, turnIds } = await conversation(bench(), 22)
    const at = (index: number) => ({ turnId: turnIds[index] ?? '', attempt: 1, lane: '', offset: 0 })
    const viewer = await bench().viewer()
    const far = await viewer.join(chatSessionId, [at(1)])
    expect(far.more).to.equal(true)
    expect(far.turns.map(({ turnId }) => turnId)).to.deep.equal(turnIds.slice(-1))
    await viewer.resumed()
    const near = await viewer.join(chatSessionId, [at(2)])
    expect(near.more).to.equal(undefined)
    expect(near.turns.map(({ turnId }) => turnId)).to.deep.equal(turnIds.slice(2))
    await viewer.resumed(2)

    const first = await bench().request(`/api/v1/chat-sessions/${chatSessionId}/turns?limit=15`)
    const page = (await first.json()) as { turns: { turnId: string }[]; next: string }
    const second = await bench().request(
      `/api/v1/chat-sessions/${chatSessionId}/turns?limit=15&after=${page.next}`,
    )
    const rest = (await second.json()) as { turns: { turnId: string }[]; next?: string }
    const listed = [...page.turns, ...rest.turns].map(({ turnId }) => turnId)
    expect(listed).to.deep.equal(turnIds.toReversed())
    expect(rest.next).to.equal(undefined)
  })

  it('[VW11] lists its sessions in pages, newest change first, and is told the newest in its welcome', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const ids: string[] = []
    for (let number = 1; number <= 5; number++)
      ids.unshift((await viewer.send(`Title ${number}`)).chatSessionId)
    const listed: string[] = []
    let after: string | undefined
    do {
      const page = (await viewer.ask('session:list', {
        limit: 2,
        ...(after ? { after } : {}),
      })) as unknown as {
        sessions: { chatSessionId: string; title: string; status: string }[]
        next?: string
      }
      listed.push(...page.sessions.map(({ chatSessionId }) => chatSessionId))
      for (const { status } of page.sessions) expect(status).to.equal('queued')
      after = page.next
    } while (after !== undefined)
    expect(listed).to.deep.equal(ids)
    const later = await bench().viewer()
    const { sessions } = (await later.event('welcome'))[0] as {
      sessions: { chatSessionId: string; title: string }[]
    }
    expect(sessions.map(({ chatSessionId }) => chatSessionId)).to.deep.equal(ids)
    expect(sessions[0]?.title).to.equal('Title 5')
    for (const wrong of [{ limit: 0 }, { limit: 201 }, { limit: 'x' }, { after: 7 }]) {
      expect((await viewer.ask('session:list', wrong)).error?.code).to.equal('invalid_payload')
    }
    const stranger = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect(await stranger.ask('session:list', {})).to.deep.equal({ ok: true, sessions: [] })
  })

  it('[VW11] watches several sessions at once, each for itself', async () => {
    await bench().start()
    const [drone, sender] = [await bench().drone({ capacity: 3 }), await bench().viewer()]
    const viewer = await bench().viewer()
    const sessions = [await sender.send('0'), await sender.send('1'), await sender.send('2')]
    await drone.order(3)
    for (const { chatSessionId } of sessions) await viewer.join(chatSessionId, [])
    const voices = await Promise.all([1, 2, 3].map(async (number) => drone.voice(await drone.order(number))))
    for (let piece = 0; piece < 10; piece++)
      for (const voice of voices) voice.response(`${piece} of ${voice.place.turnId} `)
    await viewer.ask('session:leave', { chatSessionId: sessions[1]?.chatSessionId })
    await Promise.all(voices.map((voice) => voice.complete()))
    for (const { turnId } of sessions) {
      await sender.ended(turnId)
      const said = Array.from({ length: 10 }, (_, piece) => `${piece} of ${turnId} `).join('')
      expect(sender.text(turnId)).to.equal(said)
      if (turnId === sessions[1]?.turnId) continue
      await viewer.ended(turnId)
      expect(viewer.text(turnId)).to.equal(said)
    }
    expect(viewer.statuses(sessions[1]?.turnId ?? '')).to.deep.equal([])
    expect([...viewer.faults, ...sender.faults]).to.deep.equal([])
  })
})
