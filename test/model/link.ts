import type { Clock } from '../../src/turns/clock.ts'
import { ANSWER, answerFrame, FAREWELL, frameOf, ModelSocket } from './model-socket.ts'
import type { Ack, Frame, ModelRooms } from './model-socket.ts'

/** How long a side takes to notice that the other is gone without a word. */
const SILENCE_MS = 8000

const ENTRIES = new Set(['thinking', 'response', 'toolCall', 'toolResult'])
const NEWS = new Set(['turn:started', 'turn:status', 'session:info', 'head', 'resumed'])

/** Events that carry their position may be lost, repeated and overtaken: that must do no harm. */
function isPlaced({ name }: Frame): boolean {
  return ENTRIES.has(name)
}

/** What a viewer is told may be lost between nodes: it sees so by versions and heads. */
function isLosable(frame: Frame): boolean {
  return isPlaced(frame) || NEWS.has(frame.name)
}

/** What may happen to an event on its way. */
export const ACCIDENTS = ['none', 'lost', 'repeated', 'overtaken'] as const
export type Accident = (typeof ACCIDENTS)[number]

interface Peer {
  onFrame(frame: Frame): void
  onDown(): void
}

export type Way = 'up' | 'down'
/** Who notices at once that the connection broke; the other does when it hears nothing for too long. */
export type Noticed = 'both' | 'peer' | 'relay'

/** One connection between a peer and a relay: two ways on which events wait, and may meet with accidents. */
export class Link {
  readonly ways: Readonly<Record<Way, Frame[]>> = { up: [], down: [] }
  readonly held: Record<Way, boolean> = { up: false, down: false }
  readonly socket: ModelSocket
  readonly #peer: Peer
  readonly #clock: Clock
  readonly #onSent: (frame: Frame) => void
  #peerIsThere = true
  /** Something was lost or changed its place on the way: only a new connection makes up for that, but for viewers. */
  isLossy = false
  readonly #late: Record<Way, Frame | undefined> = { up: undefined, down: undefined }
  readonly #accidents: Record<Way, Accident[]> = { up: [], down: [] }

  constructor(options: {
    id: string
    rooms: ModelRooms
    peer: Peer
    clock: Clock
    /** The relay said something: it must be true by now. */
    onSent: (frame: Frame) => void
  }) {
    this.#peer = options.peer
    this.#clock = options.clock
    this.#onSent = options.onSent
    const send = (frame: Frame): void => this.#fromRelay(frame)
    this.socket = new ModelSocket(options.id, options.rooms, { send, cut: () => this.break('both') })
  }

  get isUp(): boolean {
    return this.#peerIsThere && this.socket.connected
  }

  /** The peer says something. */
  emit(name: string, ...args: unknown[]): void {
    if (!this.#peerIsThere) return
    const frame = frameOf(name, args)
    const { ack } = frame
    this.ways.up.push(ack ? { ...frame, ack: (answer) => this.#answerDown(ack, answer) } : frame)
  }

  /** Hands on what waits; answers whether there was anything. */
  pump(): boolean {
    let moved = false
    for (const way of ['up', 'down'] as const) {
      for (let more = !this.held[way]; more;) {
        more = !this.held[way] && this.deliver(way)
        moved ||= more
      }
    }
    return moved
  }

  deliver(way: Way): boolean {
    if (way === 'down' && this.socket.slow) return false
    const frame = this.ways[way].shift()
    if (!frame) return false
    if (!this.#happens(way, frame)) return true
    this.#arrive(way, frame)
    const late = this.#late[way]
    this.#late[way] = undefined
    if (late) this.#arrive(way, late)
    return true
  }

  #arrive(way: Way, frame: Frame): void {
    if (frame.name === ANSWER) this.#answered(way, frame)
    else if (way === 'up') this.socket.hear(frame)
    else if (frame.name === FAREWELL) this.#lostByPeer()
    else if (this.#peerIsThere) this.#peer.onFrame(frame)
  }

  /** False where the event does not arrive now. */
  #happens(way: Way, frame: Frame): boolean {
    const isSafe = way === 'up' ? !isPlaced(frame) : !isLosable(frame)
    const accident = isSafe ? undefined : this.#accidents[way].shift()
    if (accident === undefined || accident === 'none') return true
    if (accident === 'repeated') {
      if (isPlaced(frame)) this.ways[way].push(frame)
      return true
    }
    this.isLossy = true
    // It comes after the next one; news keep their order.
    if (accident === 'overtaken' && isPlaced(frame)) this.#late[way] = frame
    return accident === 'overtaken' && !isPlaced(frame)
  }

  /** What becomes of the next events that may meet with something; of those after them nothing does. */
  meet(way: Way, accidents: readonly Accident[]): void {
    this.#accidents[way].push(...accidents)
  }

  slow(isSlow: boolean): void {
    this.socket.slow = isSlow
    if (!isSlow) this.socket.taken()
  }

  /** Nothing is in the way any more. */
  heal(): void {
    this.held.up = false
    this.held.down = false
    this.#accidents.up.length = 0
    this.#accidents.down.length = 0
    this.slow(false)
  }

  break(noticed: Noticed): void {
    this.ways.up.length = 0
    this.ways.down.length = 0
    if (noticed !== 'relay') this.#lostByPeer()
    else this.#clock.after(SILENCE_MS, () => this.#lostByPeer())
    if (noticed !== 'peer') this.socket.lost('transport close')
    else this.#clock.after(SILENCE_MS, () => this.socket.lost('ping timeout'))
  }

  /** The relay's process is gone, and with it its end. */
  relayDied(): void {
    this.socket.connected = false
    this.break('peer')
  }

  #fromRelay(frame: Frame): void {
    if (!this.#peerIsThere) return
    this.#onSent(frame)
    const { ack } = frame
    this.ways.down.push(ack ? { ...frame, ack: (answer) => this.#answerUp(ack, answer) } : frame)
  }

  /** Answers travel as events do: behind what was said before them. */
  #answerDown(ack: Ack, answer: unknown): void {
    if (this.#peerIsThere) this.ways.down.push(answerFrame(ack, answer))
  }

  #answerUp(ack: Ack, answer: unknown): void {
    if (this.#peerIsThere && this.socket.connected) this.ways.up.push(answerFrame(ack, answer))
  }

  /** After the connection nobody is told an answer. */
  #answered(way: Way, { ack, args }: Frame): void {
    if (way === 'up' ? this.socket.connected : this.#peerIsThere) ack?.(args[0])
  }

  #lostByPeer(): void {
    if (!this.#peerIsThere) return
    this.#peerIsThere = false
    this.#peer.onDown()
  }
}
