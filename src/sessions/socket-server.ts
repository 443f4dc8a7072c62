import type { IncomingMessage, Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import type { Config } from '../config.ts'
import { isAllowedOrigin } from './origins.ts'

/** A socket that has not said which namespace it wants is dropped after this. */
const CONNECT_TIMEOUT_MS = 5000

/** Socket.IO on an HTTP server. The origin is looked at before anything else: `cors` does not protect WebSockets. */
export function socketServer(http: HttpServer, config: Config): Server {
  return new Server(http, {
    serveClient: false,
    transports: config.transports,
    maxHttpBufferSize: config.eventBytes,
    pingInterval: config.pingIntervalMs,
    pingTimeout: config.pingTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    cors: { origin: config.corsOrigins },
    allowRequest: (request: IncomingMessage, decide) => {
      const isAllowed = isAllowedOrigin(request, config.corsOrigins)
      decide(isAllowed ? null : 'origin_not_allowed', isAllowed)
    },
  })
}
