import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A way to a database that can be closed, opened, and made to swallow answers. */
export class StoreProxy {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #swallowing: RegExp | undefined

  constructor(uri: string) {
    this.#target = new URL(uri)
  }

  /** Only known once it was open. */
  get uri(): string {
    return `mongodb://127.0.0.1:${this.#port}/`
  }

  /** Opens on the port it had before, if it had one. */
  async open(): Promise<void> {
    this.#server = createServer((client) => this.#join(client))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    const closed = this.#server && once(this.#server, 'close')
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
    this.#server = undefined
  }

  /** The next request that matches reaches the database, and the connection ends instead of an answer. */
  swallowAnswerTo(request: RegExp): void {
    this.#swallowing = request
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port || 27_017), this.#target.hostname)
    let swallow = false
    client.on('data', (request) => {
      if (this.#swallowing?.test(request.toString('latin1'))) {
        this.#swallowing = undefined
        swallow = true
      }
      server.write(request)
    })
    server.on('data', (answer) => {
      if (swallow) client.destroy()
      else client.write(answer)
    })
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
