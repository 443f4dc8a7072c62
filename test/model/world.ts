import type { DroneWork } from '../../src/client/drone-work.ts'
import { BrokenCommits, breakAppend, breakSteering, endFirst, endIn } from './breakage.ts'
import type { Breakage } from './breakage.ts'
import { MemoryStore } from './memory-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Process } from './process.ts'
import { CHAT, DRONE_WAITS, LIMITS, SIZES, USER, WORKSPACE } from './model-config.ts'
import { DroneProcess } from './model-drone.ts'
import type { DroneHearing, StateFolder } from './model-drone.ts'
import { ModelLog } from './model-log.ts'
import { ModelRelay } from './model-relay.ts'
import type { Frame } from './model-socket.ts'
import { ModelViewer } from './model-viewer.ts'
import type { Link, Noticed } from './link.ts'
import { Broken, Promises } from './promises.ts'
import { QueuePromises } from './queue-promises.ts'
import { Random } from '../support/store-random.ts'
import { Voice } from './speech.ts'
import { Station } from './station.ts'
import { StoreCalls } from './store-calls.ts'
import { Viewing } from './viewing.ts'

/** The most that one entry of the model's speakers counts in a window: they wait only after it. */
const ENTRY_BYTES = 400
/** Rounds without time passing, past which something goes round in circles. */
const MAX_ROUNDS = 500
interface DroneSeat {
  readonly station: Station
  readonly folder: StateFolder
  process: DroneProcess
  life: Process
  starts: number
}

/** A connection on which nothing arrives. */
const NOWHERE = { emit: () => undefined } as unknown as Link

/** Drones, relays, a store and viewers, every way between them in the test's hand. */
export class World {
  readonly clock = new FakeClock()
  readonly store: MemoryStore
  readonly calls: StoreCalls
  readonly promises: Promises
  readonly viewing: Viewing
  readonly queue: QueuePromises
  readonly voice = new Voice()
  /** What relays said, and when. */
  readonly trace: string[] = []
  readonly drones: DroneSeat[]
  readonly viewers: { readonly station: Station; readonly viewer: ModelViewer }[] = []
  readonly #log = new ModelLog()
  readonly #breakage: Breakage | undefined
  readonly #commits: BrokenCommits
  readonly #relays: ModelRelay[] = []
  #messages = 0

  constructor(breakage?: Breakage) {
    this.#breakage = breakage
    this.store = new MemoryStore({ isGuarded: breakage !== 'no fencing' })
    const times = { createdAt: this.clock.now(), updatedAt: this.clock.now() }
    this.store.insertSession({ chatSessionId: CHAT, userId: USER, queue: [], version: 1, ...times })
    this.calls = new StoreCalls(this.store)
    this.promises = new Promises(this.store)
    this.queue = new QueuePromises(this.store)
    this.viewing = new Viewing(this.store, this.promises)
    this.#commits = new BrokenCommits(breakage, this.store)
    this.calls.onCommit = (caller, batches) => {
      const relay = this.#relays.find(({ process }) => process === caller)
      try {
        if (relay) this.#commits.leaving(relay, batches)
      } catch (error) {
        // To the relay it is a store that is away, and it would try again for ever.
        this.#log.error('A commit leaves too early.', { error })
        throw error
      }
    }
    this.#startRelay()
    this.drones = ['drone-a', 'drone-b'].map((name) => this.#droneSeat(name))
  }

  /** One drone and one viewer are there, and perhaps a first turn is under way. */
  async begin(withTurn: boolean): Promise<void> {
    await this.settle()
    this.drones[0]?.station.connect()
    this.addViewer()
    await this.settle()
    if (withTurn) this.send(0)
    await this.settle()
  }

  get relay(): ModelRelay {
    const relay = this.#relays.at(-1)
    if (!relay) throw new Error('there is no relay')
    return relay
  }

  get stations(): Station[] {
    return [...this.drones, ...this.viewers].map(({ station }) => station)
  }

  /** The works that somebody does just now. */
  get works(): { readonly drone: DroneProcess; readonly work: DroneWork }[] {
    return this.drones.flatMap(({ process }) => process.works.all().map((work) => ({ drone: process, work })))
  }

  addViewer(): void {
    const name = `viewer-${this.viewers.length + 1}`
    const viewer = new ModelViewer(name, this.clock, {
      onChange: (from, change) => this.viewing.changed(from, change),
      onSent: (messageId, turnId) => this.promises.sent(messageId, turnId),
      onQueued: (messageId) => this.queue.taken(messageId),
    })
    const station = this.#station(name, (relay, socket) => relay.enterCode(socket))
    this.viewers.push({ station, viewer })
    station.seat(viewer)
    station.connect()
  }

  send(index: number): void {
    const { viewer } = this.viewers[index % this.viewers.length] ?? {}
    const messageId = `message-${++this.#messages}`
    viewer?.send({ messageId, content: `Do ${messageId}.` })
  }

  queueMessage(index: number, steer: boolean): void {
    const { viewer } = this.viewers[index % this.viewers.length] ?? {}
    const messageId = `message-${++this.#messages}`
    viewer?.queue({ messageId, content: `Then ${messageId}.`, steer })
  }

  crashDrone(index: number, noticed: Noticed): void {
    const drone = this.drones[index % this.drones.length]
    if (!drone) return
    drone.life.alive = false
    drone.life = new Process(this.clock)
    drone.process = this.#droneProcess(drone.station.name, drone.life, drone.folder, ++drone.starts)
    drone.station.seat(drone.process, noticed)
  }

  /** It comes to a relay that knows nothing of its turns, one that was frozen and replaced, and then back. */
  strayDrone(index: number): void {
    const { station, process } = this.drones[index % this.drones.length] ?? {}
    station?.link?.break('both')
    process?.use(NOWHERE)
    const welcome = { ...DRONE_WAITS, limits: LIMITS, turns: [] }
    process?.onFrame({ name: 'welcome', args: [welcome], ack: undefined })
    process?.onDown()
  }

  /** The relay's process dies, or is only cut off from all its peers and goes on by itself; another one takes over. */
  replaceRelay(isDead: boolean, hasArrived: boolean): void {
    const { process } = this.relay
    if (isDead) process.alive = false
    this.calls.abandon(process, hasArrived)
    for (const { link } of this.stations) {
      if (isDead) link?.relayDied()
      else link?.break('peer')
    }
    this.#startRelay()
  }

  /** Lets everything happen that needs no time and is not held. */
  async settle(): Promise<void> {
    let quiet = 0
    for (let rounds = 0; quiet < 2; rounds++) {
      if (rounds > MAX_ROUNDS) throw new Broken('I5: something goes round in circles')
      await new Promise<void>((resolve) => setImmediate(resolve))
      quiet = this.#pump() ? 0 : quiet + 1
    }
    this.check()
  }

  async pass(ms: number): Promise<void> {
    const until = this.clock.ticks() + ms
    while (this.clock.step(until)) await this.settle()
  }

  check(): void {
    this.#log.check()
    this.promises.check()
    for (const { viewer } of this.viewers) this.viewing.check(viewer)
    for (const { process } of this.drones) {
      const most = LIMITS.windowBytes + process.works.size * ENTRY_BYTES
      const bytes = process.works.all().reduce((sum, { outbox }) => sum + outbox.bytes, 0)
      if (bytes > most) throw new Broken(`I6: a drone holds ${bytes} bytes, at most ${most}`)
    }
    for (const turn of this.relay.turns.all()) {
      const most = SIZES.turns.bounds.maxUnstoredBytes + ENTRY_BYTES
      if (turn.unstoredBytes > most)
        throw new Broken(`I6: a turn holds ${turn.unstoredBytes} bytes, at most ${most}`)
    }
  }

  #pump(): boolean {
    let moved = false
    for (const { process } of this.drones) moved = process.flushNow() || moved
    for (const { link } of this.stations) {
      if (!link) continue
      if (this.#breakage === 'end before words') endFirst(link.ways.down)
      moved = link.pump() || moved
    }
    return moved
  }

  #startRelay(): void {
    const process = new Process(this.clock)
    const nodeId = `node-${this.#relays.length + 1}`
    const random = new Random(this.#relays.length)
    const relay = new ModelRelay({
      nodeId,
      process,
      store: this.calls.of(process),
      logger: this.#log,
      random: () => random.next(),
    })
    breakAppend(relay, this.#breakage)
    breakSteering(relay, this.#breakage)
    this.#relays.push(relay)
    void relay.begin()
  }

  #droneSeat(name: string): DroneSeat {
    const life = new Process(this.clock)
    const folder: StateFolder = new Map()
    const process = this.#droneProcess(name, life, folder, 1)
    const seat: DroneSeat = {
      station: this.#station(name, (relay, socket) =>
        relay.enterDrone(socket, {
          droneId: name,
          name,
          hostname: 'host',
          workspaceId: WORKSPACE,
          instanceId: seat.process.instanceId,
          capacity: 2,
        }),
      ),
      folder,
      process,
      life,
      starts: 1,
    }
    seat.station.seat(process)
    return seat
  }

  #droneProcess(name: string, life: Process, folder: StateFolder, start: number): DroneProcess {
    const hearing: DroneHearing = {
      onAccepted: (drone, order) => this.promises.offer(order, drone.instanceId),
      onSteered: (order, messageId) => this.queue.steered(order, messageId),
      onCheckpoint: (at) => this.promises.acknowledge(at),
      onCompleted: (turnId) => this.promises.completed(turnId),
      onLostWords: () => {
        throw new Broken('I1: the relay has lost words that it had stored')
      },
    }
    return new DroneProcess(`${name}-${start}`, life, folder, hearing)
  }

  #station(name: string, enter: ConstructorParameters<typeof Station>[0]['enter']): Station {
    return new Station({
      name,
      clock: this.clock,
      relay: () => this.relay,
      enter,
      onSent: (frame) => this.#sent(frame),
    })
  }

  /** What the relay says has to be true when it says it. */
  #sent({ name, args }: Frame): void {
    this.trace.push(`${this.clock.ticks()} ${name}`)
    if (name === 'checkpoint') this.promises.acknowledge(args[0] as Parameters<Promises['acknowledge']>[0])
    const end = name === 'turn:status' ? endIn(args) : undefined
    if (end === undefined) return
    const { turnId, heads } = args[0] as { turnId: string; heads?: Parameters<Promises['end']>[2] }
    this.promises.end(turnId, end, heads)
  }
}
