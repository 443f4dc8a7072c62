import { expect } from 'chai'
import type { Position } from '../../src/protocol/position.ts'
import { Follower } from '../../src/sessions/follower.ts'
import { Rounds } from '../../src/sessions/rounds.ts'
import type { Rooms } from '../../src/sessions/follower.ts'
import type { Viewer } from '../../src/sessions/watcher.ts'
import { slicePlaced } from '../../src/turns/entry.ts'
import type { Placed } from '../../src/turns/entry.ts'
import { LocalFeed } from '../../src/turns/feed.ts'
import type { News } from '../../src/turns/feed.ts'
import type { ChatSessionRecord, LaneOwner, TurnHeader } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { KeptLog } from '../support/running-relay.ts'

const CHAT = 'chat'
const TURN = 'turn'
const VIEWER_BUFFER_BYTES = 1000

/** What is stored of one turn with one lane, as far as a test says. */
class LittleStore {
  text = ''
  stored = 0
  reads = 0
  whileReading: () => void = () => undefined

  readSession(): Promise<ChatSessionRecord> {
    const session = {
      chatSessionId: CHAT,
      userId: 'u',
      queue: [],
      liveTurnId: TURN,
      version: 1,
      createdAt: 0,
      updatedAt: 0,
    }
    return Promise.resolve(session)
  }

  readTurn(): Promise<TurnHeader> {
    const lane = { name: '', length: this.stored, parts: 0, open: [], borrowed: [] }
    return Promise.resolve({
      turnId: TURN,
      chatSessionId: CHAT,
      userId: 'u',
      messageId: 'm',
      prompt: 'p',
      createdAt: 0,
      attempt: 1,
      status: 'processing',
      toolCallCount: 0,
      earlier: [],
      generation: 1,
      version: 1,
      node: 'n',
      lanes: [lane],
    })
  }

  async *readLane(owner: LaneOwner, _number: number, from: number): AsyncIterable<Placed[]> {
    this.reads += 1
    this.whileReading()
    const piece = slicePlaced(placed(0, this.text), from, owner.lanes[0]?.length)
    await Promise.resolve()
    if (piece) yield [piece]
  }
}

function placed(offset: number, text: string): Placed {
  return { offset, entry: { kind: 'text', mode: 'responding', text, createdAt: 0 } }
}

/** A viewer whose socket takes what the test lets it take. */
class HandViewer implements Viewer {
  readonly id = 'viewer'
  readonly rooms = new Set<string>()
  text = ''
  bufferedBytes = 0
  #drained: (() => void)[] = []

  readonly outlet: Viewer['outlet']

  constructor() {
    const bufferedBytes = (): number => this.bufferedBytes
    this.outlet = {
      get bufferedBytes() {
        return bufferedBytes()
      },
      whenDrained: () =>
        this.bufferedBytes === 0 ? Promise.resolve() : new Promise((r) => this.#drained.push(r)),
      join: (room) => void this.rooms.add(room),
      leave: (room) => void this.rooms.delete(room),
      end: (error) => {
        throw error
      },
      terminate: () => {
        throw new Error('the viewer was cut')
      },
    }
  }

  drain(): void {
    this.bufferedBytes = 0
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  roomOf(): string {
    return 'room'
  }

  entry(_chat: string, _turn: object, _lane: string, { offset, entry }: Placed): void {
    expect(offset, 'no gap and no repeat').to.equal(this.text.length)
    if (entry.kind === 'text') this.text += entry.text
  }

  news(_news: News): void {}
  resumed(_chat: string, _heads: Position[]): void {}
}

describe('a viewer that follows a live turn', () => {
  let store: LittleStore
  let feed: LocalFeed
  let clock: FakeClock
  let viewer: HandViewer
  let follower: Follower

  beforeEach(async () => {
    store = new LittleStore()
    feed = new LocalFeed()
    clock = new FakeClock()
    viewer = new HandViewer()
    const rooms: Rooms = {
      entry: (chat, turn, lane, piece) => {
        if (viewer.rooms.has('room')) viewer.entry(chat, turn, lane, piece)
      },
      news: () => undefined,
      live: () => undefined,
      head: () => undefined,
    }
    follower = new Follower({
      chatSessionId: CHAT,
      feed,
      store,
      tail: () => Promise.resolve(undefined),
      rooms,
      clock,
      rounds: new Rounds(clock),
      logger: new KeptLog(),
      mergeMs: 10,
      viewerBufferBytes: VIEWER_BUFFER_BYTES,
      onIdle: () => undefined,
    })
    await follower.primed
    follower.watch(viewer).resume([{ turnId: TURN, attempt: 1, lanes: new Map() }])
    await until(() => viewer.rooms.has('room'))
  })

  afterEach(() => follower.close())

  async function until(fact: () => boolean): Promise<void> {
    while (!fact()) await new Promise((resolve) => setImmediate(resolve))
  }

  function say(text: string): void {
    const words = [placed(store.text.length, text)]
    store.text += text
    feed.publish(CHAT, { kind: 'words', turnId: TURN, attempt: 1, lane: '', placed: words })
    clock.pass(20)
  }

  function storeAll(): void {
    store.stored = store.text.length
    const heads = [{ lane: '', offset: store.stored }]
    feed.publish(CHAT, { kind: 'stored', turnId: TURN, attempt: 1, heads })
  }

  it('[VW14] is level while it takes what it gets, and costs the store nothing', () => {
    const reads = store.reads
    for (const text of ['one ', 'two ', 'three']) {
      say(text)
      storeAll()
    }
    expect(viewer.text).to.equal('one two three')
    expect(store.reads).to.equal(reads)
  })

  it('[VW14] leaves its room when its buffer is full, and reads on from the store when it is empty', async () => {
    say('heard, ')
    viewer.bufferedBytes = VIEWER_BUFFER_BYTES + 1
    say('the last that it was given, ')
    expect([...viewer.rooms]).to.deep.equal([])
    const had = viewer.text
    // More than is kept for whoever is brought up.
    say(`missed, ${'x'.repeat(100_000)}, `)
    storeAll()
    say('missed and not stored yet')
    expect(viewer.text).to.equal(had)
    const reads = store.reads
    viewer.drain()
    await until(() => viewer.rooms.has('room'))
    expect(viewer.text).to.equal(store.text)
    expect(store.reads).to.be.above(reads)
    say(', and live again')
    expect(viewer.text).to.equal(store.text)
  })

  it('[VW20] is level in the end, though the turn goes on being stored while it reads', async () => {
    viewer.bufferedBytes = VIEWER_BUFFER_BYTES + 1
    say('the last that it was given, ')
    say('missed, ')
    storeAll()
    store.whileReading = () => {
      if (store.reads > 50) throw new Error('it never comes to an end')
      say(`said during read ${store.reads}, `)
      storeAll()
    }
    viewer.drain()
    await until(() => viewer.rooms.has('room'))
    expect(viewer.text).to.equal(store.text)
  })

  it('[VW19] gets words of several lanes that came together in the order they came', () => {
    const order: string[] = []
    viewer.entry = (_chat, _turn, lane, { entry }) => {
      if (entry.kind === 'text') order.push(`${lane}:${entry.text}`)
    }
    const speak = (lane: string, offset: number, text: string): void =>
      feed.publish(CHAT, { kind: 'words', turnId: TURN, attempt: 1, lane, placed: [placed(offset, text)] })
    speak('', 0, 'first ')
    expect(order.splice(0), 'at once: no word was handed on before it').to.deep.equal([':first '])
    speak('', 6, 'to ')
    speak('', 9, 'begin ')
    speak('agent', 0, 'sub ')
    speak('agent', 4, 'words')
    speak('', 15, 'end')
    clock.pass(20)
    expect(order).to.deep.equal([':to begin ', 'agent:sub words', ':end'])
  })
})
