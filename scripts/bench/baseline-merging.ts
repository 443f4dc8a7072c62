/** As the bare Socket.IO forwarder; but what is said to a room within a while goes out as one text, as the relay does. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'

/** Ms that text gathers; the first after a silence leaves at once. The window of our SDK's drones. */
const WINDOW_MS = 40

interface Gathered {
  text: string
  at: object | undefined
  sentAt: number
  timer: ReturnType<typeof setTimeout> | undefined
}

const http = createServer()
const io = new Server(http, { serveClient: false, transports: ['websocket'] })
const rooms = new Map<string, Gathered>()

function send(room: string, gathered: Gathered): void {
  clearTimeout(gathered.timer)
  gathered.timer = undefined
  if (gathered.text === '') return
  io.to(room).emit('token', gathered.text, gathered.at)
  gathered.text = ''
  gathered.at = undefined
  gathered.sentAt = performance.now()
}

io.on('connection', (socket) => {
  socket.on('watch', (room: string, ack: () => void) => {
    void socket.join(room)
    ack()
  })
  socket.on('token', (room: string, text: string, at: object) => {
    let gathered = rooms.get(room)
    if (!gathered) {
      gathered = { text: '', at: undefined, sentAt: Number.NEGATIVE_INFINITY, timer: undefined }
      rooms.set(room, gathered)
    }
    const all = gathered
    all.text += text
    all.at ??= at
    const waitMs = all.sentAt + WINDOW_MS - performance.now()
    if (waitMs <= 0) send(room, all)
    else all.timer ??= setTimeout(() => send(room, all), waitMs)
  })
  socket.on('over', (room: string) => {
    const gathered = rooms.get(room)
    if (gathered) send(room, gathered)
    rooms.delete(room)
    io.to(room).emit('over')
  })
})
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
