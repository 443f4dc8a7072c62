import type { OptionName } from '../../src/config.ts'
import type { TurnView } from '../../src/protocol/turn-view.ts'
import type { KeyKind } from '../../src/turns/turn-store.ts'
import { RawDrone } from './raw-drone.ts'
import { RawSocket, registrationOf } from './raw-socket.ts'
import { RawViewer } from './raw-viewer.ts'
import { startRelay } from './running-relay.ts'
import type { RunningRelay } from './running-relay.ts'
import { STORES } from './stores.ts'
import type { TestStore } from './stores.ts'

type Options = Partial<Record<OptionName, string>>

/** Short waits, so that a test sees what comes after them; everything else is as it is in earnest. */
const QUICK: Options = { retryFirstMs: '20', retryLongestMs: '60' }

/** One test's relay and peers: whatever it opens is closed when the test is over. */
export class Bench {
  readonly store: TestStore
  #running: RunningRelay | undefined
  readonly #sockets: RawSocket[] = []

  constructor(store: TestStore) {
    this.store = store
  }

  get relay(): RunningRelay {
    if (!this.#running) throw new Error('this test has not started its relay')
    return this.#running
  }

  async start(options: Options = {}): Promise<RunningRelay> {
    this.#running = await startRelay(this.store, { ...QUICK, ...options })
    return this.#running
  }

  /** A clean stop, and a new relay on the same store; its address is another one. */
  async restart(options: Options = {}): Promise<RunningRelay> {
    const old = this.relay
    this.#running = undefined
    await old.stop()
    return this.start(options)
  }

  socket(namespace: string, auth: object, options: object = {}): RawSocket {
    return this.#keep(new RawSocket(this.relay.url, namespace, auth, options))
  }

  /** A drone of `ann` that is welcome. */
  async drone(registration: object = {}, key = this.relay.keys.drone): Promise<RawDrone> {
    const auth = { token: key, protocol: 1, registration: registrationOf(registration) }
    const drone = this.#keep(new RawDrone(this.relay.url, auth))
    await drone.event('welcome')
    return drone
  }

  /** A drone of the original: without an instance, and with nothing of what came later. */
  plain(registration: object = {}): Promise<RawDrone> {
    return this.drone({ name: 'original', instanceId: undefined, ...registration })
  }

  /** An IDE client of `ann` that is welcome. */
  async viewer(auth: object = {}, key = this.relay.keys.code): Promise<RawViewer> {
    const viewer = this.#keep(new RawViewer(this.relay.url, { token: key, protocol: 1, ...auth }))
    await viewer.event('welcome')
    return viewer
  }

  async ops(): Promise<RawSocket> {
    const ops = this.socket('/ops', { token: this.relay.keys.ops, protocol: 1 })
    await ops.event('fleet')
    return ops
  }

  request(path: string, kind: KeyKind | { key: string } = 'code', init: RequestInit = {}): Promise<Response> {
    const key = typeof kind === 'string' ? this.relay.keys[kind] : kind.key
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return fetch(`${this.relay.url}${path}`, { ...init, headers })
  }

  async turn(turnId: string, attempt?: number): Promise<TurnView> {
    const response = await this.request(
      `/api/v1/turns/${turnId}${attempt === undefined ? '' : `?attempt=${attempt}`}`,
    )
    if (!response.ok) throw new Error(`GET turn ${turnId}: ${response.status} ${await response.text()}`)
    return (await response.json()) as TurnView
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.close()
    await this.#running?.stop()
    await this.store.remove()
  }

  #keep<Peer extends RawSocket>(socket: Peer): Peer {
    this.#sockets.push(socket)
    return socket
  }
}

/** The same behaviour on every store there is; `bench()` is this test's own. */
export function onEveryStore(behaviour: string, tests: (bench: () => Bench) => void): void {
  for (const { name, make } of STORES) {
    describe(`${behaviour} (${name})`, () => {
      let current: Bench | undefined
      beforeEach(async () => {
        current = new Bench(await make())
      })
      afterEach(async () => {
        await current?.close()
        current = undefined
      })
      tests(() => {
        if (!current) throw new Error('a bench is there while its test runs')
        return current
      })
    })
  }
}
