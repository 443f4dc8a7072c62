import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import { registrationOf } from '../support/raw-socket.ts'

async function refusal(bench: Bench, namespace: string, auth: object, options: object = {}) {
  const socket = bench.socket(namespace, auth, options)
  return socket.until('a refusal', () => socket.refusal)
}

onEveryStore('A handshake', (bench) => {
  it('[SE1] needs a key that is known, right to the last character, and not revoked', async () => {
    const { keys } = await bench().start()
    const wrong = `${keys.code.slice(0, -1)}${keys.code.endsWith('A') ? 'B' : 'A'}`
    for (const token of [undefined, '', 'x', wrong, keys.code.toUpperCase(), `${keys.code} `]) {
      expect((await refusal(bench(), '/code', { token })).code).to.equal('unauthorized')
    }
    for (const token of [7, {}, ['x']]) {
      expect((await refusal(bench(), '/code', { token })).code).to.equal('invalid_payload')
    }
  })

  it('[SE1] needs a key of the right kind for its namespace', async () => {
    const { keys } = await bench().start()
    const registration = registrationOf()
    for (const kind of ['code', 'watch', 'ops'] as const) {
      const auth = { token: keys[kind], registration }
      expect((await refusal(bench(), '/drone', auth)).code).to.equal('forbidden')
    }
    expect((await refusal(bench(), '/code', { token: keys.drone })).code).to.equal('forbidden')
    expect((await refusal(bench(), '/code', { token: keys.ops })).code).to.equal('forbidden')
    expect((await refusal(bench(), '/ops', { token: keys.code })).code).to.equal('forbidden')
  })

  it('[SE2] takes a key from the header too, and never from the address', async () => {
    const { keys } = await bench().start()
    const extraHeaders = { Authorization: `Bearer ${keys.code}` }
    const socket = bench().socket('/code', {}, { extraHeaders })
    await socket.event('welcome')
    const inAddress = await refusal(bench(), '/code', {}, { query: { token: keys.code } })
    expect(inAddress).to.include({ code: 'unauthorized', retryable: false })
    expect((await refusal(bench(), '/code', { token: keys.code }, { query: { token: '' } })).code).to.equal(
      'unauthorized',
    )
  })

  it('[SE3] of another protocol version is refused, whatever its registration looks like', async () => {
    const { keys } = await bench().start()
    const refused = await refusal(bench(), '/code', { token: keys.code, protocol: 2 })
    expect(refused).to.include({ code: 'unsupported_protocol', retryable: false })
    const drone = await refusal(bench(), '/drone', {
      token: keys.drone,
      protocol: 2,
      registration: { new: true },
    })
    expect(drone.code).to.equal('unsupported_protocol')
    expect((await refusal(bench(), '/code', { token: keys.code, protocol: '1' })).code).to.equal(
      'invalid_payload',
    )
  })

  it('[SE3] with a registration that is not right is refused with where it is wrong', async () => {
    const { keys } = await bench().start()
    const wrong = [
      undefined,
      null,
      'x',
      registrationOf({ name: undefined }),
      registrationOf({ name: '' }),
      registrationOf({ name: 'a\u0000b' }),
      registrationOf({ name: 'a'.repeat(513) }),
      registrationOf({ hostname: 7 }),
      registrationOf({ workspaceId: null }),
      registrationOf({ capacity: 0 }),
      registrationOf({ instanceId: ['i'] }),
      registrationOf({ commands: [{}] }),
      registrationOf({ labels: [] }),
    ]
    for (const registration of wrong) {
      const { code, message } = await refusal(bench(), '/drone', { token: keys.drone, registration })
      expect(code, JSON.stringify(registration)).to.equal('invalid_payload')
      expect(message).to.include('registration')
    }
  })

  it('[SE4] is followed by the welcome before anything else, and null means absent', async () => {
    const { keys } = await bench().start()
    const viewer = await bench().viewer({ client: null, original: null })
    const registration = registrationOf({ droneId: null, capacity: null, models: null })
    const drone = bench().socket('/drone', { token: keys.drone, protocol: null, registration })
    await drone.event('welcome')
    await viewer.event('drone:changed')
    expect([drone.heard[0]?.name, viewer.heard[0]?.name]).to.deep.equal(['welcome', 'welcome'])
    const welcome = drone.heard[0]?.args[0] as {
      limits: object
      turns: unknown[]
      heartbeatIntervalMs: number
    }
    expect(welcome.limits).to.have.all.keys(
      'textUnits',
      'toolBytes',
      'eventBytes',
      'windowBytes',
      'terminalRingBytes',
    )
    expect(welcome.turns).to.deep.equal([])
    expect(welcome.heartbeatIntervalMs).to.equal(5000)
  })
})
