/** The least that WebSockets can do: the path says the room and the part, and what a drone sends is sent on unread. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'

const http = createServer()
const server = new WebSocketServer({ server: http, perMessageDeflate: false })
const rooms = new Map<string, Set<WebSocket>>()
server.on('connection', (socket, request) => {
  const [, part, room = ''] = (request.url ?? '').split('/')
  const watchers = rooms.get(room) ?? new Set()
  rooms.set(room, watchers)
  if (part === 'watch') {
    watchers.add(socket)
    socket.on('close', () => watchers.delete(socket))
  } else {
    socket.on('message', (words) => {
      for (const watcher of watchers) watcher.send(words, { binary: false })
    })
  }
  // Whoever came knows from this that it is in its room.
  socket.send('[]')
})
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `ws://127.0.0.1:${port}` })}\n`)
})
