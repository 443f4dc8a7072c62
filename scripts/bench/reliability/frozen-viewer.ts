import { WebSocket } from 'ws'
import { PROTOCOL_VERSION } from '../../../src/protocol/handshake.ts'

/** Ms between two signs of life: well within what the relay allows. */
const PONG_EVERY_MS = 2000

/**
 * Joins and then reads nothing more (unless it `reads`, to compare with), while it goes on sending pongs: without them the relay's pings would find it dead
 * before its buffer is full. Written against the socket itself, because Socket.IO's client would close what is silent.
 */
export function freeze(url: string, token: string, chatSessionId: string, reads = false): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, {
      perMessageDeflate: false,
    })
    let pongs: ReturnType<typeof setInterval> | undefined
    socket.on('message', (packet: Buffer) => {
      const text = packet.toString()
      // Engine.IO: 0 open, 2 ping, 3 pong, 4 message; Socket.IO within: 0 connect, 2 event, 3 answer, 4 refusal.
      if (text.startsWith('0')) {
        socket.send(`40/code,${JSON.stringify({ token, protocol: PROTOCOL_VERSION })}`)
      } else if (text === '2') socket.send('3')
      else if (text.startsWith('40/code')) {
        socket.send(`42/code,1${JSON.stringify(['session:join', { chatSessionId }])}`)
      } else if (text.startsWith('43/code')) {
        if (!text.includes('"ok":true')) {
          reject(new Error(`a frozen viewer may not join: ${text.slice(0, 200)}`))
          return
        }
        if (!reads) socket.pause()
        pongs = setInterval(() => socket.send('3', () => undefined), PONG_EVERY_MS)
        resolve(socket)
      } else if (text.startsWith('44/code')) reject(new Error(`a frozen viewer was refused: ${text}`))
    })
    socket.on('error', reject)
    socket.on('close', () => clearInterval(pongs))
  })
}
