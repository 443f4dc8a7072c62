import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createLink } from 'node:net'
import type { AddressInfo, Server as Link } from 'node:net'
import { expect } from 'chai'
import { Server } from 'socket.io'
import { commandLine } from '../support/relay-process.ts'

const AT = { turnId: 't', attempt: 1, lane: '', offset: 5 }

describe('drone-relay watch', function () {
  this.timeout(30_000)
  let io: Server
  let link: Link
  let url: string
  let isAnswering: boolean

  /** On its way to the viewer everything from the answer on is held until `resumed` is there: it is read in one go. */
  function linkTo(port: number): Link {
    return createLink((viewer) => {
      const relay = connect(port, '127.0.0.1')
      viewer.pipe(relay)
      let held = Buffer.alloc(0)
      relay.on('data', (bytes) => {
        held = Buffer.concat([held, bytes])
        if (isAnswering && !held.includes('"resumed"')) return
        viewer.write(held)
        held = Buffer.alloc(0)
      })
      for (const [one, other] of [[viewer, relay] as const, [relay, viewer] as const]) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    })
  }

  /** A relay played by hand, with a turn that has ended. */
  beforeEach(async () => {
    isAnswering = false
    const http = createServer()
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    link = linkTo((http.address() as AddressInfo).port)
    link.listen(0, '127.0.0.1')
    await once(link, 'listening')
    url = `http://127.0.0.1:${(link.address() as AddressInfo).port}`
    io = new Server(http)
    io.of('/code').on('connection', (socket) => {
      socket.on('session:join', (_: unknown, answer: (joined: object) => void) => {
        const session = { chatSessionId: 'c', status: 'idle' }
        const turn = { turnId: 't', attempt: 1, status: 'finished', prompt: 'Go.', droneId: 'd' }
        const turns = [{ ...turn, heads: [{ lane: '', offset: 5 }] }]
        const resume = [{ turnId: 't', attempt: 1, lane: '', from: 0 }]
        const rest = { queue: [], permissions: [], terminals: [], surfaces: [], version: 1 }
        isAnswering = true
        answer({ ok: true, session, turns, resume, ...rest })
        socket.emit('response', 'hello', { ...AT, offset: 0, chatSessionId: 'c' })
        socket.emit('resumed', { chatSessionId: 'c', heads: [AT] })
      })
      socket.emit('welcome', { user: 'u', drones: [], sessions: [], nodeId: 'n', limits: {} })
    })
  })

  afterEach(async () => {
    link.close()
    await io.close()
  })

  it('[CL1] shows a turn that has ended, and leaves, also where all of it comes at once', async () => {
    const watch = commandLine(['watch', 'c', '--until-end', '--url', url, '--key', 'k'])
    expect(await watch.exited, watch.errors.join('\n')).to.deep.equal({ code: 0, signal: null })
    expect(watch.lines.join('\n')).to.include('hello')
  })
})
