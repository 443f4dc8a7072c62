import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'

/** How long a fact may take to become true before the test says that it did not. */
const WITHIN_MS = 18_000

interface Heard {
  readonly name: string
  readonly args: readonly unknown[]
}

/**
 * A peer of a test: a bare Socket.IO client that keeps every event it hears, in order. `until` waits for a fact about
 * them, however long ago it became true.
 */
export class RawSocket {
  readonly socket: Socket
  readonly heard: Heard[] = []
  readonly #waiting = new Set<() => void>()
  refusal: { code?: string; message?: string; retryable?: boolean } | undefined
  disconnectedFor: string | undefined

  constructor(url: string, namespace: string, auth: object, options: object = {}) {
    this.socket = io(`${url}${namespace}`, {
      auth,
      reconnection: false,
      forceNew: true,
      transports: ['websocket'],
      ...options,
    })
    this.socket.onAny((name: string, ...args: unknown[]) => {
      this.heard.push({ name, args })
      this.#check()
    })
    this.socket.on('connect_error', (error: Error & { data?: RawSocket['refusal'] }) => {
      this.refusal = error.data ?? { message: error.message }
      this.#check()
    })
    this.socket.on('disconnect', (reason) => {
      this.disconnectedFor = reason
      this.#check()
    })
  }

  emit(name: string, ...args: unknown[]): void {
    this.socket.emit(name, ...args)
  }

  /** Emits and resolves with the acknowledgement. */
  ask(
    name: string,
    ...args: unknown[]
  ): Promise<Record<string, unknown> & { ok: boolean; error?: { code: string } }> {
    return this.socket.timeout(WITHIN_MS).emitWithAck(name, ...args)
  }

  all(name: string): readonly (readonly unknown[])[] {
    return this.heard.filter((event) => event.name === name).map(({ args }) => args)
  }

  /** Resolves with the first truthy answer of `fact`, asked now and after every event. */
  until<Fact>(what: string, fact: () => Fact | undefined | false): Promise<Fact> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        const names = this.heard.map(({ name }) => name).join(' ')
        reject(new Error(`waited in vain for ${what}; heard: ${names.slice(-500)}`))
      }, WITHIN_MS)
      const check = (): void => {
        const found = fact()
        if (found === undefined || found === false) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(found)
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** The arguments of the first event of that name, or the first that `matches`. */
  event(name: string, matches: (...args: never[]) => boolean = () => true): Promise<readonly unknown[]> {
    return this.until(name, () => this.all(name).find((args) => matches(...(args as never[]))))
  }

  close(): void {
    this.socket.disconnect()
  }

  /** After every other listener of the same event, so that facts which they keep are true by then. */
  #check(): void {
    queueMicrotask(() => {
      for (const check of this.#waiting) check()
    })
  }
}

/** What a drone of a test says of itself. */
export function registrationOf(more: object = {}): object {
  return { name: 'digger', hostname: 'box', workspaceId: 'w1', instanceId: 'i1', ...more }
}
