import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

const OFFERS = {
  models: [{ id: 'large', provider: 'acme' }, { id: 'small' }],
  thinkingLevels: ['low', 'high'],
  commands: [
    { name: 'deploy', description: 'puts it there' },
    { name: 'review', prompt: true },
  ],
}

async function session(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone({ droneId: 'd1', ...OFFERS }), await bench.viewer()]
  const { chatSessionId, turnId } = await viewer.send()
  await drone.voice(await drone.order()).complete()
  await viewer.ended(turnId)
  return { drone, viewer, chatSessionId, turnId }
}

let requests = 0
function execute(viewer: RawViewer, command: string, more: object = {}) {
  requests += 1
  return viewer.ask('command:execute', { requestId: `r${requests}`, command, ...more })
}

function names(viewer: RawViewer): string[] | undefined {
  const last = viewer.all('commands:manifest').at(-1)?.[0] as { commands: { name: string }[] } | undefined
  return last?.commands.map(({ name }) => name)
}

const OWN = ['help', 'model', 'thinking', 'abort', 'retry', 'status', 'compact']

onEveryStore('Commands', (bench) => {
  it('[CO1] are the relay’s own and those of the user’s drones, told when that changes', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    expect(names(viewer)).to.deep.equal(OWN)
    const drone = await bench().drone({ droneId: 'd1', ...OFFERS })
    await viewer.until('the drone’s', () => names(viewer)?.length === OWN.length + 2)
    expect(names(viewer)).to.deep.equal([...OWN, 'deploy', 'review'])
    drone.emit('manifest', { commands: [{ name: 'deploy' }, { name: 'model' }] })
    await viewer.until('the change', () => names(viewer)?.length === OWN.length + 1)
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect(names(bob)).to.deep.equal(OWN)
    drone.close()
    await viewer.until('the drone to be gone', () => names(viewer)?.length === OWN.length)
  })

  it('[CO1] are not told again where nothing of them has changed', async () => {
    await bench().start()
    await bench().drone({ droneId: 'd1', ...OFFERS })
    const viewer = await bench().viewer()
    await viewer.send()
    await viewer.event('drone:changed', ({ state }: { state: string }) => state === 'busy')
    await viewer.ask('session:list', {})
    expect(viewer.all('commands:manifest')).to.have.lengthOf(1)
  })

  it('[CO2] of the relay do what their events do, and all who watch hear what came of it', async () => {
    const { viewer, chatSessionId } = await session(bench())
    const other = await bench().viewer()
    await other.join(chatSessionId)
    const chosen = await execute(viewer, '/model', { chatSessionId, args: 'large' })
    expect(chosen).to.deep.equal({ ok: true, result: { model: 'large', allowed: ['large', 'small'] } })
    expect((await other.event('command:result'))[0]).to.deep.include({
      chatSessionId,
      command: 'model',
      result: chosen['result'],
      by: 'ann',
    })
    const level = await execute(viewer, 'thinking', { chatSessionId, args: 'high' })
    expect(level['result']).to.deep.equal({ thinkingLevel: 'high', allowed: ['low', 'high'] })
    const status = (await execute(viewer, 'status', { chatSessionId }))['result']
    expect(status).to.include({ model: 'large', thinkingLevel: 'high', status: 'idle' })
    const cleared = await execute(viewer, 'model', { chatSessionId, args: 'default' })
    expect(cleared['result']).to.deep.include({ model: null })
    const wrong = await execute(viewer, 'model', { chatSessionId, args: 'huge' })
    expect(wrong.error).to.deep.include({ code: 'invalid_payload', details: { allowed: ['large', 'small'] } })
    expect((await execute(viewer, 'help'))['result'])
      .to.have.property('commands')
      .with.lengthOf(9)
    expect([viewer.faults, other.faults]).to.deep.equal([[], []])
  })

  it('[CO2] end and retry turns', async () => {
    const { drone, viewer, chatSessionId } = await session(bench())
    expect((await execute(viewer, 'abort', { chatSessionId })).error?.code).to.equal('not_found')
    const { turnId } = await viewer.send('Next.', { chatSessionId })
    await drone.order(2)
    const aborted = await execute(viewer, 'abort', { chatSessionId })
    expect(aborted['result']).to.deep.equal({ turnId, status: 'aborted' })
    const retried = await execute(viewer, 'retry', { chatSessionId })
    expect(retried['result']).to.deep.equal({ turnId, attempt: 2 })
    expect((await drone.order(3)).attempt).to.equal(2)
  })

  it('[CO3] of a drone are done by it, once for each request; one that is a prompt becomes a message', async () => {
    const { drone, viewer, chatSessionId } = await session(bench())
    const asked: object[] = []
    drone.socket.on('executeCommand', (command: object, ack: (answer: object) => void) => {
      asked.push(command)
      ack(asked.length === 1 ? { ok: true, result: { url: '/a' } } : { ok: false, error: { message: 'No.' } })
    })
    const request = { requestId: 'once', command: 'deploy', chatSessionId, args: { to: 'test' } }
    const answers = await Promise.all([
      viewer.ask('command:execute', request),
      viewer.ask('command:execute', request),
    ])
    for (const answer of answers) expect(answer).to.deep.equal({ ok: true, result: { url: '/a' } })
    expect(asked).to.deep.equal([request])
    const refused = await execute(viewer, 'deploy', { chatSessionId })
    expect(refused.error).to.include({ code: 'invalid_payload' })
    const review = await execute(viewer, 'review', { chatSessionId, args: 'all of it' })
    expect(review['result']).to.include({ startedTurn: true, chatSessionId })
    expect((await drone.order(2)).prompt).to.equal('/review all of it')
  })

  it('[CO4] that are unknown, or about somebody else’s session, are not there', async () => {
    const { viewer, chatSessionId } = await session(bench())
    const code = async (answer: ReturnType<typeof execute>) => (await answer).error?.code
    expect(await code(execute(viewer, 'nothing', { chatSessionId }))).to.equal('not_found')
    expect(await code(execute(viewer, 'constructor', { chatSessionId }))).to.equal('not_found')
    expect(await code(execute(viewer, 'compact', { chatSessionId }))).to.equal('not_found')
    expect(await code(execute(viewer, 'status'))).to.equal('invalid_payload')
    expect(await code(execute(viewer, 'status', { chatSessionId: 'nowhere' }))).to.equal('not_found')
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect(await code(execute(bob, 'status', { chatSessionId }))).to.equal('not_found')
    expect(await code(execute(bob, 'deploy'))).to.equal('not_found')
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    expect(await code(execute(watcher, 'help'))).to.equal('forbidden')
  })
})
