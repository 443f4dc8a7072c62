import type { Clock } from '../../src/turns/clock.ts'
import { Link } from './link.ts'
import type { Noticed } from './link.ts'
import { PEER_WAITS } from './model-config.ts'
import type { ModelRelay } from './model-relay.ts'
import type { Frame, ModelSocket } from './model-socket.ts'

/** Whoever sits at a station: a process of a drone, or a viewer. */
export interface Sitter {
  use(link: Link): void
  onFrame(frame: Frame): void
  onDown(): void
}

interface StationOptions {
  readonly name: string
  readonly clock: Clock
  readonly relay: () => ModelRelay
  readonly enter: (relay: ModelRelay, socket: ModelSocket) => Promise<void> | void
  readonly onSent: (frame: Frame) => void
}

/** A peer's place: whoever sits there connects, and connects again whenever it is down. */
export class Station {
  readonly name: string
  readonly #options: StationOptions
  #sitter: Sitter | undefined
  #link: Link | undefined
  readonly #links: Link[] = []

  constructor(options: StationOptions) {
    this.name = options.name
    this.#options = options
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** Another sits here from now on; the one before is gone, with its connection or without a word. */
  seat(sitter: Sitter | undefined, noticed: Noticed = 'both'): void {
    this.#sitter = undefined
    this.#link?.break(noticed)
    this.#link = undefined
    this.#sitter = sitter
    this.#connectSoon()
  }

  /** The world ends. */
  close(): void {
    for (const { socket } of this.#links) socket.bury('the end')
  }

  connect(): void {
    const { clock, relay, enter, onSent } = this.#options
    const to = relay()
    const sitter = this.#sitter
    if (this.#link || !sitter) return
    if (!to.ready) return this.#connectSoon()
    const link = new Link({
      id: `${this.name} ${this.#links.length + 1}`,
      rooms: to.rooms,
      clock,
      onSent,
      peer: {
        onFrame: (frame) => sitter.onFrame(frame),
        onDown: () => {
          if (this.#link !== link) return
          this.#link = undefined
          if (this.#sitter !== sitter) return
          sitter.onDown()
          this.#connectSoon()
        },
      },
    })
    this.#link = link
    this.#links.push(link)
    sitter.use(link)
    Promise.resolve(enter(to, link.socket)).catch(() => link.break('both'))
  }

  #connectSoon(): void {
    const sitter = this.#sitter
    if (sitter) this.#options.clock.after(PEER_WAITS.reconnectMs, () => this.#connectIf(sitter))
  }

  #connectIf(sitter: Sitter): void {
    if (this.#sitter === sitter) this.connect()
  }
}
