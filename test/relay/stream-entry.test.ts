import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { expect } from 'chai'
import { loadConfig } from '../../src/config.ts'
import { createRelay } from '../../src/relay.ts'
import { systemClock } from '../../src/turns/clock.ts'
import type { TurnStore } from '../../src/turns/turn-store.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import { RawStream } from '../support/raw-stream.ts'
import type { StreamOptions } from '../support/raw-stream.ts'
import { KeptLog } from '../support/running-relay.ts'

const SIZE = { cols: 80, rows: 24 }
const PATH = '/terminals/t/stream'

/** A session of `ann` with terminals of these drones, each named `t`. */
async function opened(
  bench: Bench,
  { drones = ['d'], ...options }: { drones?: string[]; [option: string]: unknown } = {},
) {
  await bench.start(options)
  const viewer = await bench.viewer()
  const { chatSessionId } = await viewer.send('Go.')
  for (const droneId of drones) {
    const drone = await bench.drone({ droneId })
    await drone.ask('terminal:opened', { terminalId: 't', chatSessionId, ...SIZE })
    await drone.ask('terminal:data', { terminalId: 't', offset: 0 }, Buffer.from(`of ${droneId}`))
  }
}

function come(bench: Bench, options: StreamOptions = {}, path = PATH): RawStream {
  return new RawStream(`${bench.relay.url}${path}`, { key: bench.relay.keys.code, ...options })
}

/** What a connection that asks for an upgrade in so many words is answered. */
async function asking(bench: Bench, path: string, headers = ''): Promise<Socket> {
  const { port, hostname } = new URL(bench.relay.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n`,
  )
  return socket
}

/** The next key waits to be looked up until `goOn`. */
function holdNextKey(store: TurnStore): { readonly reached: Promise<void>; readonly goOn: () => void } {
  const findKey = store.findKey.bind(store)
  let goOn: () => void = () => undefined
  const allowed = new Promise<void>((resolve) => (goOn = resolve))
  const reached = new Promise<void>((isReached) => {
    store.findKey = async (keyId) => {
      store.findKey = findKey
      isReached()
      await allowed
      return findKey(keyId)
    }
  })
  return { reached, goOn }
}

onEveryStore('Who asks for a raw stream', (bench) => {
  it('[TM8] is let in with a key of a user, in a header or as a subprotocol that is then the one chosen', async () => {
    await opened(bench())
    const { code, watch } = bench().relay.keys
    for (const key of [code, watch])
      expect(await come(bench(), { key }).message('session-meta')).to.include({ name: 't' })
    for (const protocols of [[`bearer.${watch}`], ['terminal.v1', `bearer.${watch}`]]) {
      const page = come(bench(), { key: undefined, protocols })
      await page.message('session-meta')
      expect(page.ws.protocol).to.equal(`bearer.${watch}`)
    }
  })

  it('[TM8] is refused before the upgrade, with a problem that says why', async () => {
    await opened(bench())
    const { keys, relay } = bench().relay
    const { keyId, key: revoked } = await relay.access.create('code', 'ann')
    await relay.access.revoke(keyId)
    const bob = await bench().relay.keyOf('code', 'bob')
    const cases: [number, string, StreamOptions, string?][] = [
      [401, 'unauthorized', { key: 'dr_code_wrong' }],
      [401, 'unauthorized', { key: revoked }],
      [401, 'unauthorized', { key: undefined, protocols: ['bearer.wrong'] }],
      [401, 'unauthorized', { key: undefined }, `${PATH}?key=${keys.code}`],
      [403, 'forbidden', { key: keys.drone }],
      [403, 'forbidden', { key: keys.ops }],
      [403, 'origin_not_allowed', { headers: { origin: 'https://evil.example' } }],
      [404, 'not_found', { key: bob }],
      [404, 'not_found', {}, '/terminals/another/stream'],
      [404, 'not_found', {}, `${PATH}?drone=another`],
      [404, 'not_found', {}, '/terminals/%e0%a4/stream'],
      [400, 'invalid_payload', {}, '/terminals/%00/stream'],
    ]
    for (const [status, code, options, path] of cases) {
      const refusal = await come(bench(), options, path).refused()
      expect(refusal.status, JSON.stringify([code, path])).to.equal(status)
      expect(refusal.body, path).to.include({ code, status })
    }
    const socket = await asking(bench(), PATH)
    const answer = await textOf(socket)
    expect(answer).to.match(
      /^HTTP\/1\.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: application\/problem\+json\r\n/,
    )
  })

  it('[TM8] names the drone where several have a terminal of that name', async () => {
    await opened(bench(), { drones: ['d', 'e f'] })
    const refusal = await come(bench()).refused()
    expect(refusal).to.deep.include({ status: 400 })
    expect(refusal.body).to.deep.include({ code: 'invalid_payload', details: { allowed: ['d', 'e f'] } })
    const client = come(bench(), {}, `${PATH}?drone=e%20f`)
    expect(await client.message('session-meta')).to.include({ droneId: 'e f', terminalId: 't' })
    client.resume()
    await client.untilText('of e f')
  })

  it('[TM8] from a page of an origin that is listed comes in', async () => {
    await opened(bench(), { corsOrigins: 'https://ide.example' })
    await come(bench(), { headers: { origin: 'https://ide.example' } }).message('session-meta')
  })

  it('[TM8] is cut off when the key is revoked, and nobody else is', async () => {
    await opened(bench())
    const { relay } = bench().relay
    const { keyId, key } = await relay.access.create('watch', 'ann')
    const [cut, kept] = [come(bench(), { key }), come(bench())]
    await Promise.all([cut.message('session-meta'), kept.message('session-meta')])
    const answer = await bench().request(`/api/v1/keys/${keyId}`, 'ops', { method: 'DELETE' })
    expect(answer.status).to.equal(204)
    expect(await cut.closed()).to.equal(1006)
    kept.resume()
    await kept.untilText('of d')
  })

  it('[TM8] waits while the relay starts, and when it stops is closed, whether or not it answers', async () => {
    await opened(bench(), { stopMs: '60000', pingIntervalMs: '60000' })
    const [polite, mute] = [come(bench()), come(bench())]
    await Promise.all([polite.message('session-meta'), mute.message('session-meta')])
    mute.ws.pause()
    const { store, relay } = bench().relay
    const config = loadConfig({}, { port: '0' })
    const held = holdNextKey(store)
    const late = come(bench())
    await held.reached
    const from = performance.now()
    const stopped = relay.stop()
    held.goOn()
    expect(await late.refused()).to.deep.include({ status: 503 })
    expect(late.refusal?.body).to.include({ code: 'draining' })
    await stopped
    expect(performance.now() - from).to.be.lessThan(10_000)
    expect(await polite.closed()).to.equal(1012)
    const starting = createRelay({
      config,
      store,
      logger: new KeptLog(),
      clock: systemClock,
      prepare: () => new Promise(() => undefined),
    })
    try {
      const { url } = await starting.start()
      // It may be one of those that are being prepared.
      const refusal = await new RawStream(`${url}${PATH}`, { key: 'dr_code_unknown' }).refused()
      expect(refusal.status).to.equal(503)
      expect(refusal.body).to.include({ code: 'store_unavailable', retryable: true })
    } finally {
      await starting.stop()
    }
  })

  it('[TM8] is told so where the store does not answer, rather than cut off', async () => {
    await opened(bench())
    bench().relay.store.findKey = () => new Promise(() => undefined)
    const refusal = await come(bench()).refused()
    expect(refusal.status).to.equal(503)
    expect(refusal.body).to.include({ code: 'store_unavailable' })
  })

  it('[TM8] stays beside Socket.IO, which ends what nobody takes', async () => {
    await opened(bench())
    const client = come(bench())
    await client.message('session-meta')
    const nobodys = await asking(bench(), '/elsewhere')
    expect(await textOf(nobodys)).to.equal('')
    client.resume()
    await client.untilText('of d')
    await bench().viewer()
  })

  it('[TM8] is not kept waiting for ever where Socket.IO takes no WebSockets', async () => {
    await bench().start({ transports: 'polling' })
    for (const path of ['/elsewhere', '/socket.io/'])
      expect(await textOf(await asking(bench(), path))).to.equal('')
  })

  it('[TM8] ends nothing but itself with a connection that is reset before it is answered', async () => {
    await opened(bench())
    const { keys, store } = bench().relay
    const held = holdNextKey(store)
    const mine = await asking(bench(), PATH, `Authorization: Bearer ${keys.code}\r\n`)
    const nobodys = await asking(bench(), '/elsewhere')
    await held.reached
    // Whatever was sent before somebody else is served has been read by then.
    await come(bench()).message('session-meta')
    for (const socket of [mine, nobodys]) socket.resetAndDestroy()
    await come(bench()).message('session-meta')
    held.goOn()
    await come(bench()).message('session-meta')
  })
})
