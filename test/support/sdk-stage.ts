import { CodeClient } from '../../src/client/code-client.ts'
import type { CodeClientOptions } from '../../src/client/code-client.ts'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { DroneClientOptions } from '../../src/client/drone-client.ts'
import type { SessionChange } from '../../src/client/viewed-session.ts'
import type { Work } from '../../src/client/work.ts'
import { ItemQueue } from './item-queue.ts'
import { startRelay } from './running-relay.ts'
import type { RunningRelay } from './running-relay.ts'
import type { TestStore } from './stores.ts'
import { tempDir } from './temp-dir.ts'

/** Somebody who watches: what a session tells comes one by one. */
export class SdkViewer {
  readonly client: CodeClient
  readonly changes = new ItemQueue<SessionChange>()
  readonly see = (change: SessionChange): void => this.changes.push(change)

  constructor(client: CodeClient) {
    this.client = client
  }

  /** The next change of that kind; those before it are let go. */
  async next<Kind extends SessionChange['kind']>(
    kind: Kind,
  ): Promise<Extract<SessionChange, { kind: Kind }>> {
    for (;;) {
      const change = await this.changes.next()
      if (change.kind === kind) return change as Extract<SessionChange, { kind: Kind }>
    }
  }
}

type RelayTestOptions = NonNullable<Parameters<typeof startRelay>[1]>

/** A relay in this process that both SDKs talk to over real sockets; it can be replaced by another on its address. */
export class SdkStage {
  relay: RunningRelay
  readonly works = new ItemQueue<Work>()
  readonly #store: TestStore
  readonly #state: Awaited<ReturnType<typeof tempDir>>
  readonly #closing: (() => unknown)[] = []

  readonly #options: RelayTestOptions

  private constructor(
    store: TestStore,
    state: Awaited<ReturnType<typeof tempDir>>,
    relay: RunningRelay,
    options: RelayTestOptions,
  ) {
    this.#store = store
    this.#state = state
    this.relay = relay
    this.#options = options
  }

  static async open(make: () => Promise<TestStore>, options: RelayTestOptions = {}): Promise<SdkStage> {
    const store = await make()
    return new SdkStage(store, await tempDir('drone-state'), await startRelay(store, options), options)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.toReversed()) await close()
    await this.relay.stop()
    await this.#store.remove()
    await this.#state.remove()
  }

  async restart(): Promise<void> {
    await this.relay.stop()
    await this.startAgain()
  }

  /** Another relay where the last one was. */
  async startAgain(): Promise<void> {
    const { port } = new URL(this.relay.url)
    this.relay = await startRelay(this.#store, { ...this.#options, port })
  }

  /** A drone whose works wait in `works` until they are aborted. */
  async drone(more: Partial<DroneClientOptions> = {}): Promise<DroneClient> {
    const drone = new DroneClient({
      url: this.relay.url,
      token: this.relay.keys.drone,
      registration: { name: 'digger', hostname: 'box', workspaceId: 'w', droneId: 'd' },
      stateDir: this.#state.path,
      onWorkOrder: (work) => {
        this.works.push(work)
        return new Promise((resolve) => work.signal.addEventListener('abort', () => resolve()))
      },
      ...more,
    })
    this.#closing.push(() => drone.stop('the test is over', 100))
    await drone.start()
    return drone
  }

  async viewer(more: Partial<CodeClientOptions> = {}): Promise<SdkViewer> {
    const client = new CodeClient({ url: this.relay.url, token: this.relay.keys.code, ...more })
    this.#closing.push(() => client.close())
    await client.start()
    return new SdkViewer(client)
  }
}
