import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'

/** A bare socket that does not reconnect: whatever breaks it is told. */
export function connected(url: string, auth: object, onTrouble: (why: string) => void): Socket {
  const socket = io(url, { auth, reconnection: false, forceNew: true, transports: ['websocket'] })
  socket.on('connect_error', (error) => onTrouble(`could not connect: ${error.message}`))
  socket.on('disconnect', (reason) => {
    if (reason !== 'io client disconnect') onTrouble(`was disconnected: ${reason}`)
  })
  socket.on('error', (error: { code?: string; message?: string; event?: string }) =>
    onTrouble(`heard error ${error.code} of ${error.event}: ${error.message}`),
  )
  return socket
}
