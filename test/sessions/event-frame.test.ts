import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { Server } from 'socket.io'
import type { Socket } from 'socket.io'
import { io } from 'socket.io-client'
import type { Socket as Peer } from 'socket.io-client'
import { eventFrame, lengthOfPacket, writeFrame } from '../../src/sessions/event-frame.ts'

/** What an event `text` in this namespace takes besides its one argument: `42/peers,["text",""]`. */
const AROUND = eventFrame('/peers', 'text', [''])[1].length

describe('an event that is written as a frame', () => {
  let server: Server
  let peer: Peer

  afterEach(async () => {
    peer.disconnect()
    await server.close()
  })

  async function connected(transport: 'websocket' | 'polling'): Promise<Socket> {
    const http = createServer()
    server = new Server(http, { transports: ['websocket', 'polling'] })
    const accepted = once(server.of('/peers'), 'connection') as Promise<[Socket]>
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    peer = io(`http://127.0.0.1:${port}/peers`, { transports: [transport], reconnection: false })
    const [socket] = await accepted
    return socket
  }

  async function heard(socket: Socket, texts: readonly string[]): Promise<string[]> {
    const all: string[] = []
    const everything = new Promise<void>((resolve) => {
      peer.on('text', (text: string) => {
        all.push(text)
        if (all.length === texts.length) resolve()
      })
      peer.on('disconnect', () => resolve())
    })
    for (const text of texts) writeFrame(socket, eventFrame('/peers', 'text', [text]))
    await everything
    return all
  }

  /** Payloads of just so many bytes: those at which the header of a frame changes, and far from it. */
  const sizes = [AROUND, 125, 126, 127, 2047, 2048, 65_535, 65_536, 200_000]
  const texts = sizes.map((bytes) => 'x'.repeat(bytes - AROUND))
  const others = ['ä'.repeat(60), '漢'.repeat(21_900), '😀 "quoted" \u0000 \ud800', '']

  for (const transport of ['websocket', 'polling'] as const) {
    it(`[WS8] is what Socket.IO would have sent, whatever its length, on ${transport}`, async () => {
      const socket = await connected(transport)
      expect(await heard(socket, [...texts, ...others])).to.deep.equal([...texts, ...others])
    })
  }

  it('[WS8] is counted by what waits in memory, as a packet of Socket.IO is', async () => {
    const socket = await connected('websocket')
    const counted: number[] = []
    const count = (packet: Parameters<typeof lengthOfPacket>[0]): unknown =>
      counted.push(lengthOfPacket(packet))
    socket.conn.on('packetCreate', count as Parameters<typeof socket.conn.on>[1])
    await heard(socket, ['x'.repeat(1000)])
    socket.emit('text', 'x'.repeat(1000))
    expect(counted).to.deep.equal([AROUND + 1000, AROUND - 1 + 1000])
  })
})
