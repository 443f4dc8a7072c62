import { expect } from 'chai'
import { AgentState } from '../../src/sessions/agent-state.ts'
import type { Entry, Placed } from '../../src/turns/entry.ts'
import { LocalFeed } from '../../src/turns/feed.ts'
import type { Tail } from '../../src/turns/live-turns.ts'
import type { ChatSessionRecord, TurnHeader } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

const CHAT = 'chat'

function text(mode: 'thinking' | 'responding', words: string): Entry {
  return { kind: 'text', mode, text: words, createdAt: 0 }
}

function call(callId: string, name: string, response = ''): Entry {
  return { kind: 'call', callId, name, parameters: '{}', response, createdAt: 0 }
}

function result(callId: string): Entry {
  return { kind: 'result', callId, response: 'done', createdAt: 0 }
}

/** Each behind the one before. */
function placed(offset: number, ...entries: Entry[]): Placed[] {
  let at = offset
  return entries.map((entry) => {
    const one = { offset: at, entry }
    at += entry.kind === 'text' ? entry.text.length : 1
    return one
  })
}

/** A chat session with one turn at a time, as its store, its words and its news would have it. */
class Stage {
  readonly feed = new LocalFeed()
  readonly clock = new FakeClock()
  readonly told: string[] = []
  liveTurnId: string | undefined
  status: TurnHeader['status'] = 'processing'
  attempt = 1
  stored: Placed[] = []
  tail: Tail | undefined
  isAsking = false
  whileReading: () => void = () => undefined
  #at = 0

  async begin(): Promise<AgentState> {
    const { feed, clock } = this
    const state = await AgentState.of({
      chatSessionId: CHAT,
      feed,
      clock,
      store: {
        readSession: () => Promise.resolve({ liveTurnId: this.liveTurnId } as ChatSessionRecord),
        readTurn: () => Promise.resolve(this.#header()),
        readLane: (_owner, _number, from) => this.#read(from),
      },
      turns: { tail: () => this.tail },
      permissions: { openOf: () => (this.isAsking ? [{} as never] : []) },
    })
    state.listen(() => this.told.push(shown(state)))
    return state
  }

  says(...entries: Entry[]): void {
    const words = placed(this.#at, ...entries)
    for (const { entry } of words) this.#at += entry.kind === 'text' ? entry.text.length : 1
    this.words('t', 1, '', words)
  }

  words(turnId: string, attempt: number, lane: string, words: Placed[]): void {
    this.feed.publish(CHAT, { kind: 'words', turnId, attempt, lane, placed: words })
  }

  started(turnId: string, attempt = 1): void {
    const payload = { chatSessionId: CHAT, version: 1, turnId, attempt, messageId: 'm', prompt: 'p' }
    this.feed.publish(CHAT, { kind: 'news', name: 'turn:started', payload })
  }

  becomes(turnId: string, status: TurnHeader['status'], more: object = {}): void {
    const payload = { chatSessionId: CHAT, version: 1, turnId, attempt: 1, status, ...more }
    this.feed.publish(CHAT, { kind: 'news', name: 'turn:status', payload })
  }

  #header(): TurnHeader {
    const length = this.stored.reduce(
      (sum, { entry }) => sum + (entry.kind === 'text' ? entry.text.length : 1),
      0,
    )
    const lanes = [{ name: 'sub', length: 1 }, ...(length > 0 ? [{ name: '', length }] : [])]
    return { turnId: 't', attempt: this.attempt, status: this.status, lanes } as unknown as TurnHeader
  }

  async *#read(from: number): AsyncIterable<Placed[]> {
    this.whileReading()
    await Promise.resolve()
    yield this.stored.filter(({ offset }) => offset >= from)
  }
}

function shown({ now: { value, tool } }: AgentState): string {
  return tool === null ? value : `${value} ${tool}`
}

describe('what an agent does just now', () => {
  let stage: Stage

  beforeEach(() => {
    stage = new Stage()
  })

  it('[TM8] is told whenever it changes, and not otherwise', async () => {
    const state = await stage.begin()
    expect(shown(state)).to.equal('idle')
    stage.becomes('t', 'queued')
    stage.started('t')
    stage.says(text('thinking', 'Hm.'))
    stage.says(text('responding', 'I '))
    stage.says(text('responding', 'look.'))
    stage.says(call('1', 'read'))
    stage.says(call('2', 'grep'))
    stage.says(result('2'))
    stage.says(result('1'))
    stage.says(call('3', 'over at once', 'done'))
    stage.says(text('responding', 'Done.'))
    stage.becomes('t', 'finished')
    expect(stage.told.join(', ')).to.equal(
      'queued, thinking, responding, tool read, tool grep, tool read, thinking, responding, idle',
    )
  })

  it('[TM8] is waiting while somebody has to permit it, whatever for, and recovering between attempts', async () => {
    await stage.begin()
    stage.started('t')
    stage.says(call('1', 'rm'))
    stage.becomes('t', 'processing', { waitingFor: 'permission' })
    stage.becomes('t', 'processing')
    stage.becomes('t', 'recovering', { waitingFor: 'drone' })
    stage.started('t', 2)
    stage.words('t', 2, '', placed(0, text('responding', 'Again.')))
    expect(stage.told.join(', ')).to.equal(
      'thinking, tool rm, waiting rm, tool rm, recovering, thinking, responding',
    )
  })

  it('[TM8] is not what subagents, earlier attempts and other turns say', async () => {
    const state = await stage.begin()
    stage.started('t', 2)
    stage.words('t', 2, 'sub', placed(0, call('1', 'read')))
    stage.words('t', 1, '', placed(0, call('1', 'read')))
    stage.words('other', 2, '', placed(0, call('1', 'read')))
    stage.becomes('t', 'recovering')
    stage.becomes('other', 'finished')
    expect(shown(state)).to.equal('thinking')
    expect(stage.told).to.deep.equal(['thinking'])
  })

  it('[TM8] is found from what its turn has said, stored and not stored yet', async () => {
    stage.liveTurnId = 't'
    expect(shown(await stage.begin())).to.equal('thinking')
    stage.stored = placed(
      0,
      text('responding', 'x'.repeat(1000)),
      call('1', 'read'),
      call('2', 'grep'),
      result('2'),
    )
    expect(shown(await stage.begin())).to.equal('tool read')
    const unstored = placed(1002, result('2'), result('1'), call('3', 'edit'))
    stage.tail = { attempt: 1, lanes: [{ lane: '', base: 1002, entries: unstored }] }
    expect(shown(await stage.begin())).to.equal('tool edit')
    stage.isAsking = true
    expect(shown(await stage.begin())).to.equal('waiting edit')
    // Those words are of the attempt before.
    stage.attempt = 2
    stage.stored = []
    stage.isAsking = false
    expect(shown(await stage.begin())).to.equal('thinking')
    stage.status = 'queued'
    expect(shown(await stage.begin())).to.equal('queued')
    stage.status = 'failed'
    expect(shown(await stage.begin())).to.equal('idle')
  })

  it('[TM8] misses nothing that is said while it is looked for, and what is found as well is no harm', async () => {
    stage.liveTurnId = 't'
    stage.stored = placed(0, call('1', 'read'), result('1'), call('2', 'grep'))
    stage.whileReading = () => {
      stage.words('t', 1, '', placed(0, call('1', 'read')))
      stage.words('t', 1, '', placed(2, call('2', 'grep'), result('2'), text('responding', 'So')))
    }
    const state = await stage.begin()
    expect(shown(state)).to.equal('responding')
    expect(stage.told).to.deep.equal([])
  })

  it('[TM8] keeps no more calls than anybody makes, and hears nothing once it is closed', async () => {
    const state = await stage.begin()
    stage.started('t')
    for (let number = 0; number < 150; number++) stage.says(call(`${number}`, `call ${number}`))
    for (let number = 149; number >= 50; number--) stage.says(result(`${number}`))
    expect(shown(state)).to.equal('thinking')
    state.close()
    stage.becomes('t', 'finished')
    expect(shown(state)).to.equal('thinking')
    expect(stage.feed.isFollowed(CHAT)).to.equal(false)
  })

  it('[TM8] leaves nothing behind where it cannot be found, and keeps no more than a while brings', async () => {
    stage.liveTurnId = 't'
    stage.stored = placed(0, call('1', 'read'))
    stage.whileReading = () => {
      throw new Error('the store is away')
    }
    const fail = () => stage.begin().catch((error: unknown) => String(error))
    expect(await fail()).to.equal('Error: the store is away')
    expect(stage.feed.isFollowed(CHAT)).to.equal(false)
    stage.whileReading = () => {
      for (let said = 0; said <= 10_000; said++) stage.says(text('responding', 'x'))
      expect(stage.feed.isFollowed(CHAT)).to.equal(false)
    }
    expect(await fail()).to.equal('RelayError: The store is too slow.')
  })
})
