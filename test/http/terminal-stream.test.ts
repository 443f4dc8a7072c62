import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import type { RawOutlet } from '../../src/http/raw-outlet.ts'
import { TerminalStream } from '../../src/http/terminal-stream.ts'
import { AgentState } from '../../src/sessions/agent-state.ts'
import { RelayTerminal } from '../../src/terminals/relay-terminal.ts'
import { LocalFeed } from '../../src/turns/feed.ts'
import type { ChatSessionRecord } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

const CHAT = 'chat'
const NAME = {
  registrationId: 'r',
  droneId: 'd',
  userId: 'u',
  terminalId: 't',
  chatSessionId: CHAT,
  instanceId: 'i',
  readOnly: false,
  openedAt: 0,
}

/** An outlet whose peer takes what the test lets it take. */
class HandOutlet {
  open = true
  readonly sent: { type: string; value?: string; seq?: number }[] = []
  #whenTaken = Promise.resolve()
  readonly #waiting: (() => void)[] = []

  send(data: string | Buffer): void {
    this.sent.push(typeof data === 'string' ? (JSON.parse(data) as { type: string }) : { type: 'bytes' })
    this.#whenTaken = new Promise((resolve) => this.#waiting.push(resolve))
  }

  whenTaken(): Promise<void> {
    return this.#whenTaken
  }

  end(): void {
    this.open = false
  }

  async take(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }

  types(): string {
    return this.sent.map(({ type }) => type).join(' ')
  }
}

describe('a stream whose client takes its time', () => {
  let feed: LocalFeed
  let terminal: RelayTerminal
  let ws: EventEmitter
  let outlet: HandOutlet
  let stream: TerminalStream

  beforeEach(async () => {
    feed = new LocalFeed()
    terminal = new RelayTerminal(NAME, { cols: 80, rows: 24 }, 1024)
    ws = new EventEmitter()
    outlet = new HandOutlet()
    const agent = await AgentState.of({
      chatSessionId: CHAT,
      feed,
      clock: new FakeClock(),
      store: {
        readSession: () => Promise.resolve({} as ChatSessionRecord),
        readTurn: () => Promise.resolve(undefined),
        readLane: () => {
          throw new Error('there is no turn')
        },
      },
      turns: { tail: () => undefined },
      permissions: { openOf: () => [] },
    })
    stream = new TerminalStream({ ws: ws as never, outlet: outlet as unknown as RawOutlet, terminal, agent })
  })

  function hear(message: object): void {
    ws.emit('message', Buffer.from(JSON.stringify(message)), false)
  }

  function becomes(status: 'queued' | 'recovering' | 'failed'): void {
    const payload = { chatSessionId: CHAT, version: 1, turnId: 't', attempt: 1, status }
    feed.publish(CHAT, { kind: 'news', name: 'turn:status', payload })
  }

  it('[TM8] tells the newest state when the one before has been taken, and no state twice', async () => {
    for (const status of ['queued', 'recovering', 'queued'] as const) becomes(status)
    expect(outlet.types()).to.equal('session-meta state')
    await outlet.take()
    expect(outlet.sent.at(-1)).to.include({ type: 'state', value: 'queued' })
    becomes('recovering')
    becomes('queued')
    await outlet.take()
    expect(outlet.types()).to.equal('session-meta state state')
  })

  it('[TM8] draws one screen after the other, however many are asked for', async () => {
    void terminal.take(0, Buffer.from('one'))
    await outlet.take()
    for (let asked = 0; asked < 3; asked++) hear({ type: 'snapshot-request' })
    expect(outlet.types()).to.equal('session-meta state snapshot')
    void terminal.take(3, Buffer.from('two'))
    for (let taken = 0; taken < 5; taken++) await outlet.take()
    expect(outlet.sent.slice(2).map(({ seq }) => seq)).to.deep.equal([3, 6, 6])
  })

  it('[TM8] has no more than a piece of its bytes under way', async () => {
    await outlet.take()
    hear({ type: 'resume', lastSeq: null })
    for (let offset = 0; offset < 300; offset += 100) void terminal.take(offset, Buffer.alloc(100))
    expect(outlet.types()).to.equal('session-meta state bytes')
    await outlet.take()
    expect(outlet.types()).to.equal('session-meta state bytes bytes')
  })

  it('[TM8] leaves nothing behind when it closes', () => {
    hear({ type: 'resume', lastSeq: null })
    expect([terminal.isWatched, feed.isFollowed(CHAT)]).to.deep.equal([true, true])
    stream.close()
    expect(outlet.open).to.equal(false)
    ws.emit('close')
    expect([terminal.isWatched, feed.isFollowed(CHAT)]).to.deep.equal([false, false])
  })
})
