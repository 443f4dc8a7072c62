import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { expect } from 'chai'
import type { WebSocket } from 'ws'
import { RawOutlet } from '../../src/http/raw-outlet.ts'
import { FakeClock } from '../support/fake-clock.ts'

const FROZEN_MS = 1500
const PING_MS = 60_000

/** A WebSocket whose peer takes what the test lets it take. */
class HandSocket extends EventEmitter {
  readonly OPEN = 1
  readyState = 1
  bufferedAmount = 0
  readonly done: string[] = []
  readonly taken: (() => void)[] = []

  send(data: string, taken: () => void): void {
    this.done.push(data)
    this.taken.push(taken)
    this.bufferedAmount += data.length
  }

  ping(): void {
    this.done.push('ping')
  }

  pong(data: Buffer, _mask: boolean, taken: () => void): void {
    this.done.push(`pong ${data.toString()}`)
    this.taken.push(taken)
  }

  close(code: number): void {
    this.done.push(`close ${code}`)
    this.readyState = 2
  }

  terminate(): void {
    this.done.push('cut')
    this.readyState = 3
    this.emit('close')
  }
}

describe('the outlet of a raw WebSocket', () => {
  let clock: FakeClock
  let ws: HandSocket
  let handle: { writeQueueSize: number }
  let outlet: RawOutlet

  beforeEach(() => {
    clock = new FakeClock()
    ws = new HandSocket()
    handle = { writeQueueSize: 0 }
    outlet = new RawOutlet({
      ws: ws as unknown as WebSocket,
      tcp: { _handle: handle } as unknown as Duplex,
      clock,
      frozenMs: FROZEN_MS,
      pingIntervalMs: PING_MS,
    })
    ws.done.splice(0)
  })

  it('[TM8] cuts off who takes nothing of what it is sent, and not who takes it slowly', () => {
    outlet.send('much')
    for (let left = 5; left > 0; left--) {
      handle.writeQueueSize = left
      clock.pass(FROZEN_MS - 1)
    }
    ws.taken.shift()?.()
    outlet.send('much')
    clock.pass(FROZEN_MS - 5)
    expect(ws.done).to.deep.equal(['much', 'much'])
    clock.pass(2 * FROZEN_MS)
    expect(ws.done).to.deep.equal(['much', 'much', 'cut'])
    expect(clock.waiting).to.equal(0)
  })

  it('[TM8] cuts nobody off who has nothing to take', () => {
    outlet.send('little')
    ws.taken.shift()?.()
    clock.pass(PING_MS - 1)
    expect(ws.done).to.deep.equal(['little'])
  })

  it('[TM8] says when what was sent is taken', async () => {
    let isTaken = false
    await outlet.whenTaken()
    outlet.send('one')
    outlet.send('two')
    const taken = outlet.whenTaken().then(() => (isTaken = true))
    ws.taken.shift()?.()
    await Promise.resolve()
    expect(isTaken).to.equal(false)
    ws.taken.shift()?.()
    await taken
  })

  it('[TM8] asks whether anybody is there, and cuts who does not answer', () => {
    for (const sign of ['pong', 'message', 'ping']) {
      ws.emit(sign, Buffer.from('?'))
      clock.pass(PING_MS)
    }
    expect(ws.done).to.deep.equal(['ping', 'ping', 'pong ?', 'ping'])
    clock.pass(PING_MS)
    expect(ws.done.at(-1)).to.equal('cut')
    expect(clock.waiting).to.equal(0)
  })

  it('[TM8] answers one ping at a time, however many come', () => {
    for (const number of [1, 2, 3]) ws.emit('ping', Buffer.from(`${number}`))
    ws.taken.shift()?.()
    ws.emit('ping', Buffer.from('4'))
    expect(ws.done).to.deep.equal(['pong 1', 'pong 4'])
  })

  it('[TM8] ends politely, and waits a moment for the other side', () => {
    outlet.end(1012, 'The relay stops.')
    expect(outlet.open).to.equal(false)
    clock.pass(999)
    expect(ws.done).to.deep.equal(['close 1012'])
    clock.pass(1)
    expect(ws.done).to.deep.equal(['close 1012', 'cut'])
    expect(clock.waiting).to.equal(0)
  })
})
