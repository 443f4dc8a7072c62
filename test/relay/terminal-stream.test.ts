import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawDrone } from '../support/raw-drone.ts'
import { RawStream } from '../support/raw-stream.ts'

const SIZE = { cols: 80, rows: 24 }
/** Small, so that a test fills it. */
const RING = 4096
/** More than what the system itself keeps for a connection that nobody reads. */
const MUCH = 16_777_216

/** A drone with a terminal `t` in a session that somebody has begun. */
async function opened(bench: Bench, options: object = {}) {
  await bench.start({ terminalRingBytes: String(RING), ...options })
  const [drone, viewer] = [await bench.drone({ droneId: 'd' }), await bench.viewer()]
  const { chatSessionId } = await viewer.send('Go.')
  const order = await drone.order()
  await drone.ask('terminal:opened', { terminalId: 't', chatSessionId, title: 'tests', ...SIZE })
  return { drone, viewer, chatSessionId, order }
}

function say(drone: RawDrone, offset: number, words: string) {
  return drone.ask('terminal:data', { terminalId: 't', offset }, Buffer.from(words))
}

function draw(drone: RawDrone, offset: number, screen: string) {
  return drone.ask('terminal:snapshot', { terminalId: 't', offset, ...SIZE, screen })
}

/** A client that has been told what comes at once. */
async function stream(bench: Bench, path = '/terminals/t/stream', options: object = {}) {
  const { url, keys } = bench.relay
  const client = new RawStream(`${url}${path}`, { key: keys.watch, ...options })
  await client.message('state')
  return client
}

onEveryStore('A raw stream of a terminal', (bench) => {
  it('[TM8] begins with whose it is and what its agent does, and tells each change of that', async () => {
    const { drone, order } = await opened(bench())
    const client = await stream(bench())
    const [meta, state] = client.messages
    expect(meta).to.include({ type: 'session-meta', name: 'tests', terminalId: 't', droneId: 'd', ...SIZE })
    expect(new Date(String(meta?.['createdAt'])).toISOString()).to.equal(meta?.['createdAt'])
    expect(state).to.include({ type: 'state', value: 'thinking', tool: null })
    expect(new Date(String(state?.['ts'])).toISOString()).to.equal(state?.['ts'])
    const voice = drone.voice(order).response('I ').response('look.').call('1', { name: 'grep' })
    await client.message('state', 3)
    await drone.checkpoint(8)
    const late = await stream(bench())
    expect(late.messages[1]).to.include({ value: 'tool', tool: 'grep' })
    const { turnId, attempt } = order
    const asked = {
      requestId: 'r',
      turnId,
      attempt,
      title: 'May I?',
      options: [{ optionId: 'y', name: 'Yes', kind: 'allow_once' }],
    }
    expect((await drone.ask('permission:request', asked)).ok).to.equal(true)
    await client.message('state', 4)
    voice.result('1', 'found').thinking('So.')
    await voice.complete()
    await client.until('the end', () => client.all('state').at(-1)?.['value'] === 'idle')
    const told = client.all('state').map(({ value, tool }) => [value, tool].filter(Boolean).join(' '))
    expect(told.slice(0, 4)).to.deep.equal(['thinking', 'responding', 'tool grep', 'waiting grep'])
    for (const [number, value] of told.entries()) expect(value).to.not.equal(told[number - 1])
    const idle = await stream(bench())
    expect(idle.messages[1]).to.include({ value: 'idle', tool: null })
    expect(idle.messages).to.have.lengthOf(2)
  })

  it('[TM8] sends nothing else before it is resumed; then each byte once, from the beginning or behind any', async () => {
    const { drone } = await opened(bench())
    await say(drone, 0, 'one ')
    await draw(drone, 4, 'ONE')
    await say(drone, 4, 'two ')
    const [whole, rest, quiet] = [await stream(bench()), await stream(bench()), await stream(bench())]
    whole.resume()
    rest.resume(4)
    await whole.untilText('one two ')
    await rest.untilText('two ')
    await say(drone, 8, 'three')
    await whole.untilText('one two three')
    await rest.untilText('two three')
    expect([whole.seq, rest.seq, quiet.bytes]).to.deep.equal([13, 13, 0])
    expect([...whole.faults, ...rest.faults]).to.deep.equal([])
    expect(quiet.messages.map(({ type }) => type)).to.deep.equal(['session-meta', 'state'])
    const alias = await stream(bench(), '/sessions/t/stream?drone=d')
    alias.say({ type: 'resume' })
    await alias.untilText('one two three')
  })

  it('[TM8] tells sizes at their places and the end behind the last byte, and closes', async () => {
    const { drone } = await opened(bench())
    await say(drone, 0, 'one')
    await drone.ask('terminal:resized', { terminalId: 't', offset: 3, cols: 100, rows: 30 })
    const client = await stream(bench())
    expect(client.messages[0]).to.include({ cols: 100, rows: 30 })
    client.resume()
    await say(drone, 3, 'two')
    await drone.ask('terminal:resized', { terminalId: 't', offset: 6, cols: 90, rows: 30 })
    await client.untilText('{80x24}one{100x30}two{90x30}')
    expect(client.all('resized').map(({ seq }) => seq)).to.deep.equal([0, 3, 6])
    await drone.ask('terminal:exited', { terminalId: 't', exitCode: 3 })
    expect(await client.closed()).to.equal(1000)
    expect(client.messages.at(-1)).to.deep.equal({ type: 'exited', exitCode: 3, seq: 6 })
    const soon = await stream(bench())
    soon.resume(4)
    expect(await soon.closed()).to.equal(1000)
    expect(soon.text).to.equal('{100x30}wo{90x30}.')
    await bench().restart()
    const later = await stream(bench())
    later.resume(6)
    expect(await later.closed()).to.equal(1000)
    expect(later.text).to.equal('.')
  })

  it('[TM8] goes on from the last snapshot where the bytes are not kept any more', async () => {
    const { drone } = await opened(bench())
    const offset = 3 * RING
    for (let at = 0; at < offset; at += RING) await say(drone, at, 'x'.repeat(RING))
    await draw(drone, offset, 'drawn')
    await say(drone, offset, ' and more')
    for (const lastSeq of [null, 10]) {
      const client = await stream(bench())
      client.resume(lastSeq)
      await client.untilText('[drawn] and more')
      expect(client.all('snapshot')).to.deep.equal([
        { type: 'snapshot', seq: offset, data: Buffer.from('drawn').toString('base64'), ...SIZE },
      ])
    }
  })

  it('[TM8] keeps nothing for a client that does not read: that one goes on from a snapshot', async () => {
    const { drone, order } = await opened(bench(), { terminalRingBytes: '262144', frozenMs: '60000' })
    // What terminals say while a turn is live is held back.
    await drone.voice(order).complete()
    const [slow, quick] = [await stream(bench()), await stream(bench())]
    slow.resume()
    quick.resume()
    await say(drone, 0, 'x')
    await slow.untilText('x')
    slow.ws.pause()
    const piece = 'y'.repeat(65_536)
    let offset = 1
    for (; offset < MUCH; offset += piece.length) {
      await draw(drone, offset, `drawn ${offset}`)
      await say(drone, offset, piece)
    }
    await quick.until('everything', () => quick.seq === offset)
    slow.ws.resume()
    await slow.until('everything', () => slow.seq === offset)
    expect(slow.bytes).to.be.lessThan(offset)
    expect(slow.all('snapshot').length).to.be.within(1, 3)
    const [{ seq = 0 } = {}] = slow.all('snapshot').slice(-1)
    expect(slow.text.slice(slow.text.lastIndexOf('['))).to.equal(`[drawn ${seq}]${'y'.repeat(offset - seq)}`)
    expect([...slow.faults, ...quick.faults]).to.deep.equal([])
  })

  it('[TM8] draws the present screen for whoever asks, from the last snapshot and what came after it', async () => {
    const { drone } = await opened(bench())
    await say(drone, 0, 'one ')
    const client = await stream(bench())
    client.say({ type: 'snapshot-request' })
    await client.untilText('[one ]')
    await draw(drone, 4, 'ONE ')
    await say(drone, 4, 'zwölf ')
    for (let asked = 0; asked < 3; asked++) client.say({ type: 'snapshot-request' })
    const drawn = { type: 'snapshot', seq: 11, data: Buffer.from('ONE zwölf ').toString('base64'), ...SIZE }
    await client.message('snapshot', 4)
    expect(client.all('snapshot').slice(1)).to.deep.equal([drawn, drawn, drawn])
    await say(drone, 11, 'x'.repeat(RING))
    client.say({ type: 'snapshot-request' })
    expect(await client.message('error')).to.include({ code: 'snapshot_failed' })
    await draw(drone, 11 + RING, 'again')
    client.say({ type: 'snapshot-request' })
    expect(await client.message('snapshot', 5)).to.include({ seq: 11 + RING })
  })

  it('[TM8] answers what is wrong with an error, and nothing else changes', async () => {
    const { drone } = await opened(bench())
    await say(drone, 0, 'one')
    const client = await stream(bench())
    const resume = (lastSeq: unknown) => ({ type: 'resume', lastSeq })
    const wrong = [
      'no JSON',
      '',
      '[]',
      '"resume"',
      Buffer.from(JSON.stringify(resume(0))),
      {},
      { type: 'input' },
      ...['0', -1, 0.5, 2 ** 53, true, {}].map(resume),
    ]
    for (const message of wrong) client.say(message)
    client.say(resume(4))
    client.resume(0)
    client.say(resume(0))
    await client.untilText('one')
    const bad = wrong.map(() => 'bad_message')
    await client.until('the last', () => client.errors().length > bad.length + 1)
    expect(client.errors()).to.deep.equal([...bad, 'gap', 'bad_message'])
    for (const error of client.all('error')) expect(error).to.have.all.keys('type', 'code', 'message')
    await say(drone, 3, ' two')
    await client.untilText('one two')
    expect(client.faults).to.deep.equal([])
  })

  it('[TM8] closes on who says only what is wrong, or more than anybody has to say', async () => {
    await opened(bench())
    const [wrong, long, kept] = [await stream(bench()), await stream(bench()), await stream(bench())]
    for (let said = 0; said < 400; said++) wrong.say('wrong')
    long.say(' '.repeat(5000))
    expect(await wrong.closed()).to.equal(1008)
    expect(wrong.errors().length).to.be.within(200, 400)
    expect(await long.closed()).to.equal(1009)
    kept.say({ type: 'snapshot-request' })
    await kept.message('snapshot')
  })

  it('[TM8] goes on behind the last byte after a restart of the relay', async () => {
    const { drone, chatSessionId } = await opened(bench())
    await say(drone, 0, 'one ')
    const client = await stream(bench())
    client.resume()
    await client.untilText('one ')
    await bench().restart()
    expect(await client.closed()).to.equal(1012)
    const { url, keys } = bench().relay
    const early = new RawStream(`${url}/terminals/t/stream`, { key: keys.code })
    expect((await early.refused()).status).to.equal(404)
    const again = await bench().drone({ droneId: 'd' })
    await again.ask('terminal:opened', { terminalId: 't', chatSessionId, ...SIZE })
    await say(again, 0, 'one two ')
    const next = await stream(bench())
    next.resume(client.seq)
    await next.untilText('two ')
    await say(again, 8, 'three')
    await next.untilText('two three')
    expect(next.faults).to.deep.equal([])
  })
})
