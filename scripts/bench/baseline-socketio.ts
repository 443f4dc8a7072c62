/** The least that Socket.IO can do: what a drone emits goes to the room of those who watch it. Nothing is kept. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'

const http = createServer()
const io = new Server(http, { serveClient: false, transports: ['websocket'] })
io.on('connection', (socket) => {
  socket.on('watch', (room: string, ack: () => void) => {
    void socket.join(room)
    ack()
  })
  socket.on('token', (room: string, text: string, at: object) => io.to(room).emit('token', text, at))
  socket.on('over', (room: string) => io.to(room).emit('over'))
})
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
