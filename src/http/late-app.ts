import type { IncomingMessage, ServerResponse } from 'node:http'
import { createApp } from './app.ts'
import type { HttpWorld } from './app.ts'

type App = (request: IncomingMessage, response: ServerResponse) => void

/** The HTTP side, made for the first request or when there is time: not before the relay takes work. */
export class LateApp {
  readonly #world: HttpWorld
  #app: App | undefined
  #making: Promise<App> | undefined

  constructor(world: HttpWorld) {
    this.#world = world
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#app) this.#app(request, response)
    else
      this.prepare().then(
        (app) => app(request, response),
        (error: unknown) => {
          this.#world.logger.error('The HTTP side cannot be made.', { error })
          response.writeHead(500).end()
        },
      )
  }

  prepare(): Promise<App> {
    this.#making ??= createApp(this.#world).then((app) => (this.#app = app))
    return this.#making
  }
}
