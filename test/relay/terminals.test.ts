import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawDrone } from '../support/raw-drone.ts'
import type { RawViewer } from '../support/raw-viewer.ts'

const SIZE = { cols: 80, rows: 24 }
/** Small, so that a test fills it. */
const RING = 4096

interface Told {
  readonly offset: number
  readonly screen?: string
  readonly exitCode?: number
}

/** A drone with a terminal `t` in a session that a viewer has begun. */
async function opened(bench: Bench, more: object = {}) {
  await bench.start({ terminalRingBytes: String(RING) })
  const [drone, viewer] = [await bench.drone({ droneId: 'd' }), await bench.viewer()]
  const { chatSessionId, turnId } = await viewer.send('Go.')
  await drone.order()
  await drone.ask('terminal:opened', { terminalId: 't', chatSessionId, title: 'tests', ...SIZE, ...more })
  return { drone, viewer, chatSessionId, turnId }
}

function say(drone: RawDrone, offset: number, words: string) {
  return drone.ask('terminal:data', { terminalId: 't', offset }, Buffer.from(words))
}

function attach(viewer: RawViewer, more: object = {}) {
  return viewer.ask('terminal:attach', { terminalId: 't', ...more })
}

/** What a viewer was told of the terminal, as one text: snapshots in brackets. */
function toldTo(viewer: RawViewer): string {
  return viewer.heard
    .flatMap(({ name, args }) => {
      const [told, bytes] = args as [Told, Uint8Array]
      if (name === 'terminal:data') return [Buffer.from(bytes).toString()]
      if (name === 'terminal:snapshot') return [`[${told.screen}]`]
      return name === 'terminal:exited' && told.offset !== undefined ? ['.'] : []
    })
    .join('')
}

onEveryStore('The terminals of drones', (bench) => {
  it('[TM3] take each byte once: what is there is left out, and what would leave a gap is refused', async () => {
    const { drone, viewer } = await opened(bench())
    expect(await say(drone, 0, 'one ')).to.deep.equal({ ok: true })
    expect(await say(drone, 2, 'e two ')).to.deep.equal({ ok: true })
    expect(await say(drone, 0, 'one')).to.deep.equal({ ok: true })
    const gap = await say(drone, 9, 'four')
    expect(gap.error).to.deep.include({ code: 'gap', details: { offset: 8 }, retryable: true })
    await attach(viewer, { after: 0 })
    await viewer.until('the bytes', () => toldTo(viewer) === 'one two ')
    // What will not come any more is in a snapshot.
    await drone.ask('terminal:snapshot', { terminalId: 't', offset: 9, ...SIZE, screen: 'drawn' })
    expect(await say(drone, 9, 'four')).to.deep.equal({ ok: true })
    await viewer.until('what follows', () => toldTo(viewer) === 'one two [drawn]four')
  })

  it('[TM3] are those that were opened, in a session of their user', async () => {
    const { drone, viewer, chatSessionId } = await opened(bench())
    await say(drone, 0, 'x')
    const other = { terminalId: 'other', offset: 0 }
    for (const [name, ...args] of [
      ['terminal:data', other, Buffer.from('x')],
      ['terminal:resized', { ...other, ...SIZE }],
      ['terminal:snapshot', { ...other, ...SIZE, screen: '' }],
    ] as const)
      expect((await drone.ask(name, ...args)).error?.code, name).to.equal('not_found')
    // Right behind its opening, as by a drone that waits for nothing.
    drone.emit('terminal:opened', { terminalId: 'quick', chatSessionId, ...SIZE })
    const quick = await drone.ask('terminal:data', { terminalId: 'quick', offset: 0 }, Buffer.from('x'))
    expect(quick).to.deep.equal({ ok: true })
    const open = (terminalId: string, more: object) =>
      drone.ask('terminal:opened', { terminalId, chatSessionId, ...SIZE, ...more })
    expect((await open('t', {})).ok).to.equal(true)
    expect((await open('t', { chatSessionId: 'another' })).error?.code).to.equal('invalid_payload')
    expect((await open('u', { chatSessionId: 'another' })).error?.code).to.equal('not_found')
    expect((await open('u', { cols: 0 })).error?.code).to.equal('invalid_payload')
    expect((await open('u', { rows: 100_000 })).error?.code).to.equal('invalid_payload')
    expect((await attach(viewer, { terminalId: 'u' })).error?.code).to.equal('not_found')
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect((await attach(bob, { after: 0 })).error?.code).to.equal('not_found')
    const input = await bob.ask('terminal:input', { terminalId: 't' }, Buffer.from('rm'))
    expect(input.error?.code).to.equal('not_found')
  })

  it('[TM4] are told to who has joined the session, and are in the next join', async () => {
    const { drone, viewer, chatSessionId } = await opened(bench())
    const view = { droneId: 'd', terminalId: 't', chatSessionId, title: 'tests', ...SIZE }
    expect(await viewer.event('terminal:opened')).to.deep.equal([view])
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    const joined = await watcher.ask('session:join', { chatSessionId })
    expect(joined['terminals']).to.deep.equal([view])
    await say(drone, 0, 'bye')
    await drone.ask('terminal:exited', { terminalId: 't', exitCode: 3 })
    const exited = { droneId: 'd', terminalId: 't', offset: 3, exitCode: 3 }
    expect(await watcher.event('terminal:exited')).to.deep.equal([exited])
    expect((await watcher.ask('session:join', { chatSessionId }))['terminals']).to.deep.equal([])
  })

  it('[TM4] are watched from an offset, or from the last snapshot, once a connection', async () => {
    const { drone, viewer } = await opened(bench())
    await say(drone, 0, 'one two')
    for (const [after, code] of [
      [8, 'gap'],
      [-1, 'invalid_payload'],
      [1.5, 'invalid_payload'],
    ] as const)
      expect((await attach(viewer, { after })).error?.code, String(after)).to.equal(code)
    const attached = { ok: true, droneId: 'd', from: 4, ...SIZE }
    expect(await attach(viewer, { after: 4 })).to.deep.equal(attached)
    expect((await attach(viewer, { after: 4 })).error?.code).to.equal('invalid_payload')
    await viewer.until('the rest', () => toldTo(viewer) === 'two')
    expect(await viewer.ask('terminal:detach', { terminalId: 't' })).to.deep.equal({ ok: true })
    await say(drone, 7, ' three')
    await drone.ask('terminal:snapshot', { terminalId: 't', offset: 13, ...SIZE, screen: 'three' })
    await say(drone, 13, ' four')
    await attach(viewer)
    await viewer.until('the snapshot and what follows', () => toldTo(viewer) === 'two[three] four')
    const late = await bench().viewer()
    await attach(late, { after: 0 })
    await late.until('everything', () => toldTo(late) === 'one two three four')
  })

  it('[TM4] change their size at a place, and who watches is told there', async () => {
    const { drone, viewer } = await opened(bench())
    await say(drone, 0, 'one')
    await drone.ask('terminal:resized', { terminalId: 't', offset: 3, cols: 90, rows: 24 })
    await drone.ask('terminal:resized', { terminalId: 't', offset: 3, cols: 100, rows: 30 })
    await say(drone, 3, 'two')
    await attach(viewer, { after: 0 })
    await viewer.until('all', () => toldTo(viewer) === 'onetwo')
    expect(viewer.all('terminal:resized')).to.deep.equal([
      [{ droneId: 'd', terminalId: 't', offset: 3, cols: 100, rows: 30 }],
    ])
  })

  it('[TM4] send a viewer no more than its window, and one snapshot instead of what it was too slow for', async () => {
    const { drone, viewer } = await opened(bench())
    await attach(viewer, { after: 0, window: 1000 })
    let offset = 0
    for (; offset < 3 * RING; offset += 1024) {
      if (offset % 2048 === 0) {
        const screen = `drawn ${offset}`
        await drone.ask('terminal:snapshot', { terminalId: 't', offset, ...SIZE, screen })
      }
      await say(drone, offset, 'x'.repeat(1024))
    }
    await viewer.until('its window', () => toldTo(viewer).length === 1000)
    await drone.handled()
    expect(toldTo(viewer)).to.equal('x'.repeat(1000))
    viewer.emit('terminal:taken', { terminalId: 't', offset: 1000 })
    await viewer.until('a snapshot', () => viewer.all('terminal:snapshot').length === 1)
    const [[told]] = viewer.all('terminal:snapshot') as [[Told]]
    expect(told).to.include({ offset: offset - 2048, screen: `drawn ${offset - 2048}` })
    viewer.emit('terminal:taken', { terminalId: 't', offset: told.offset })
    await viewer.until('what follows', () => toldTo(viewer).endsWith(']' + 'x'.repeat(1000)))
  })

  it('[TM4] make their program wait only as long as everybody who watches wants that', async () => {
    const { drone, viewer } = await opened(bench())
    const other = await bench().viewer()
    await attach(viewer, { after: 0, window: 100, waits: true })
    let isHeld = true
    const held = say(drone, 0, 'x'.repeat(RING / 2)).then(() => (isHeld = false))
    await viewer.until('its window', () => toldTo(viewer).length === 100)
    await drone.handled()
    expect(isHeld).to.equal(true)
    // Somebody who does not want to be waited for, and one who only watches and may not.
    await attach(other, { after: 0 })
    await held
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    await attach(watcher, { after: 0, window: 100, waits: true })
    await other.ask('terminal:detach', { terminalId: 't' })
    await say(drone, RING / 2, 'w')
    await attach(other, { after: 0 })
    await watcher.ask('terminal:detach', { terminalId: 't' })
    await other.ask('terminal:detach', { terminalId: 't' })
    const heldAgain = say(drone, RING / 2 + 1, 'y'.repeat(RING / 2))
    viewer.socket.disconnect()
    await heldAgain
  })

  it('[TM4] hand on what people type, size and close to their drone, and its refusal to them', async () => {
    const { drone, viewer } = await opened(bench())
    await say(drone, 0, 'x')
    const asked: unknown[] = []
    for (const name of ['terminal:input', 'terminal:resize', 'terminal:close'])
      drone.socket.on(name, (...args: unknown[]) => {
        const ack = args.pop() as (answer: unknown) => void
        asked.push([
          name,
          ...args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg).toString() : arg)),
        ])
        ack(
          name === 'terminal:close'
            ? { ok: false, error: { code: 'forbidden', message: 'It stays.' } }
            : { ok: true },
        )
      })
    const named = { terminalId: 't', droneId: 'd' }
    expect(await viewer.ask('terminal:input', named, Buffer.from('ls\r'))).to.deep.equal({ ok: true })
    expect(await viewer.ask('terminal:resize', { ...named, cols: 90, rows: 30 })).to.deep.equal({ ok: true })
    const closed = await viewer.ask('terminal:close', named)
    expect(closed.error).to.include({ code: 'forbidden', message: 'Drone d: It stays.' })
    expect(asked).to.deep.equal([
      ['terminal:input', { terminalId: 't' }, 'ls\r'],
      ['terminal:resize', { terminalId: 't', cols: 90, rows: 30 }],
      ['terminal:close', { terminalId: 't' }],
    ])
    const watcher = await bench().viewer({}, bench().relay.keys.watch)
    const refused = async (peer: RawViewer, name: string, ...args: unknown[]) =>
      (await peer.ask(name, ...args)).error?.code
    expect(await refused(watcher, 'terminal:input', named, Buffer.from('x'))).to.equal('forbidden')
    expect(await refused(viewer, 'terminal:input', named, Buffer.alloc(65_537))).to.equal('payload_too_large')
    expect(await refused(viewer, 'terminal:input', named, 'no bytes')).to.equal('invalid_payload')
    expect(await refused(viewer, 'terminal:resize', { ...named, cols: 0, rows: 1 })).to.equal(
      'invalid_payload',
    )
    expect(await refused(viewer, 'terminal:resize', { ...named, cols: 1, rows: 1001 })).to.equal(
      'invalid_payload',
    )
    expect(asked).to.have.lengthOf(3)
    await drone.ask('terminal:exited', { terminalId: 't', exitCode: 0 })
    expect(await refused(viewer, 'terminal:input', named, Buffer.from('x'))).to.equal('not_found')
  })

  it('[TM4] that are read only take nothing from people', async () => {
    const { drone, viewer } = await opened(bench(), { readOnly: true })
    await say(drone, 0, 'x')
    const named = { terminalId: 't' }
    for (const [name, ...args] of [
      ['terminal:input', named, Buffer.from('x')],
      ['terminal:resize', { ...named, cols: 90, rows: 30 }],
      ['terminal:close', named],
    ] as const)
      expect((await viewer.ask(name, ...args)).error?.code, name).to.equal('forbidden')
  })

  it('[TM4] are opened by the session’s drone, once however often that is asked', async () => {
    const { drone, viewer, chatSessionId } = await opened(bench())
    const requests: object[] = []
    drone.socket.on('terminal:open', (request: object, ack: (answer: unknown) => void) => {
      requests.push(request)
      ack({ ok: true, terminalId: 'mine' })
    })
    const request = { requestId: 'r', chatSessionId, ...SIZE, command: 'htop' }
    const answers = await Promise.all([
      viewer.ask('terminal:open', { ...request, droneId: 'd' }),
      viewer.ask('terminal:open', request),
    ])
    for (const answer of answers) expect(answer).to.deep.equal({ ok: true, droneId: 'd', terminalId: 'mine' })
    expect(requests).to.deep.equal([request])
    const unknown = await viewer.ask('terminal:open', { ...request, requestId: 's', droneId: 'nobody' })
    expect(unknown.error?.code).to.equal('not_found')
    const foreign = await viewer.ask('terminal:open', { ...request, requestId: 'u', chatSessionId: 'no' })
    expect(foreign.error?.code).to.equal('not_found')
  })

  it('[TM7] leave their last screen, for whoever comes later, also after a restart', async () => {
    const { drone, viewer, turnId } = await opened(bench())
    await attach(viewer, { after: 0 })
    await say(drone, 0, 'all done')
    await drone.ask('terminal:snapshot', { terminalId: 't', offset: 8, ...SIZE, screen: 'DONE' })
    expect(await drone.ask('terminal:exited', { terminalId: 't', exitCode: 2 })).to.deep.equal({ ok: true })
    await viewer.until('the end', () => toldTo(viewer) === 'all done..')
    // Said again, because the answer was lost.
    expect(await drone.ask('terminal:exited', { terminalId: 't', exitCode: 2 })).to.deep.equal({ ok: true })
    // Also where they were watched to their end.
    expect((await attach(viewer, { after: 8 })).ok).to.equal(true)
    const soon = await bench().viewer()
    await attach(soon, { after: 4 })
    await soon.until('the rest', () => toldTo(soon) === 'done.')
    await bench().restart()
    const [kept] = (await bench().turn(turnId)).terminals ?? []
    const last = { droneId: 'd', terminalId: 't', title: 'tests', exitCode: 2, ...SIZE, screen: 'DONE' }
    expect(kept).to.deep.include(last)
    const later = await bench().viewer()
    expect(await attach(later, { droneId: 'd' })).to.deep.equal({ ok: true, droneId: 'd', from: 8, ...SIZE })
    await later.until('the last screen', () => toldTo(later) === '[DONE].')
    expect((await later.event('terminal:exited'))[0]).to.include({ offset: 8, exitCode: 2 })
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    expect((await attach(bob)).error?.code).to.equal('not_found')
  })

  it('[TM5] stay with a process of their drone, and go with it', async () => {
    const { drone, viewer } = await opened(bench())
    await attach(viewer, { after: 0 })
    await say(drone, 0, 'one')
    drone.socket.disconnect()
    const again = await bench().drone({ droneId: 'd' })
    expect(again.welcomed.terminals).to.deep.equal([{ terminalId: 't', offset: 3 }])
    await say(again, 3, 'two')
    const other = await bench().drone({ droneId: 'd', instanceId: 'another' })
    expect(other.welcomed.terminals).to.deep.equal([])
    await viewer.until('the end', () => toldTo(viewer).startsWith('onetwo.'))
    const exited = await viewer.event('terminal:exited')
    expect(exited).to.deep.equal([{ droneId: 'd', terminalId: 't', offset: 6 }])
  })

  it('[TM5] outlive a connection that breaks while no turn is live, and end when their drone stays away', async () => {
    await bench().start({ graceMs: '300' })
    const [drone, viewer] = [await bench().drone({ droneId: 'd' }), await bench().viewer()]
    const { chatSessionId, turnId } = await viewer.send('Go.')
    await drone.voice(await drone.order()).complete()
    await viewer.ended(turnId)
    await drone.ask('terminal:opened', { terminalId: 't', chatSessionId, ...SIZE })
    await say(drone, 0, 'one')
    await attach(viewer, { after: 0 })
    drone.socket.disconnect()
    const again = await bench().drone({ droneId: 'd' })
    expect(again.welcomed.terminals).to.deep.equal([{ terminalId: 't', offset: 3 }])
    again.socket.disconnect()
    await viewer.until('the end', () => toldTo(viewer).startsWith('one.'))
    expect(await viewer.event('terminal:exited')).to.deep.equal([
      { droneId: 'd', terminalId: 't', offset: 3 },
    ])
  })

  it('[TM4] are meant while they are live, and among those that have ended the last', async () => {
    const { drone, viewer, chatSessionId } = await opened(bench())
    await say(drone, 0, 'first')
    await drone.ask('terminal:exited', { terminalId: 't', exitCode: 0 })
    const other = await bench().drone({ droneId: 'e', name: 'other' })
    await other.ask('terminal:opened', { terminalId: 't', chatSessionId, ...SIZE })
    await say(other, 0, 'second')
    expect(await attach(viewer, { after: 0 })).to.include({ ok: true, droneId: 'e' })
    await viewer.ask('terminal:detach', { terminalId: 't' })
    expect(await attach(viewer, { after: 0, droneId: 'd' })).to.include({ ok: true, droneId: 'd' })
    await other.ask('terminal:exited', { terminalId: 't', exitCode: 0 })
    const late = await bench().viewer()
    expect(await attach(late, { after: 0 })).to.include({ ok: true, droneId: 'e' })
  })

  it('[TM3] tell nothing in a session of somebody else, however quickly they end', async () => {
    const { drone } = await opened(bench())
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const { chatSessionId } = await bob.send('Mine.')
    drone.emit('terminal:opened', { terminalId: 'u', chatSessionId, ...SIZE })
    const ended = await drone.ask('terminal:exited', { terminalId: 'u', exitCode: 0 })
    expect(ended.error?.code).to.equal('not_found')
    await bob.ask('session:list', {})
    expect(bob.all('terminal:exited')).to.deep.equal([])
  })
})
