import type { Logger } from '../../src/sessions/socket-session.ts'
import { Broken } from './promises.ts'

/** What a relay may log as an error when its store does not answer. */
const EXPECTED = new Set(['A work order could not be put together.'])

/** A logger in whose eyes an error is a broken promise: nothing that peers, links and stores do is one. */
export class ModelLog implements Logger {
  #failure: string | undefined

  log(level: string, message: string, meta?: object): void {
    if (level === 'error') this.error(message, meta)
  }

  debug(): void {}
  info(): void {}
  warn(): void {}

  error(message: string, meta?: object): void {
    if (EXPECTED.has(message)) return
    const { error } = (meta ?? {}) as { error?: unknown }
    if (error instanceof Broken) this.#failure ??= error.message
    else this.#failure ??= `I7: ${message} ${error instanceof Error ? error.stack : String(error)}`
  }

  check(): void {
    if (this.#failure !== undefined) throw new Broken(this.#failure)
  }
}
