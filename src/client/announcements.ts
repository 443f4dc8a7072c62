/** What the relay is not known to have heard is kept for this many keys at most. */
const MAX_KEPT = 10_000

interface Announcement {
  readonly name: string
  readonly payload: object
  /** Said on every connection, and not only until the relay has answered. */
  readonly lasts: boolean
}

type Emit = (name: string, payload: object, answered: () => void) => void

/** [DC11] What a drone says of itself rather than of a turn: a connection that breaks takes nothing of it away. */
export class Announcements {
  readonly #emit: Emit
  readonly #said = new Map<string, Announcement>()

  constructor(emit: Emit) {
    this.#emit = emit
  }

  /** Takes the place of what was said under the same key. */
  say(key: string, name: string, payload: object, { lasts = false } = {}): void {
    const announcement = { name, payload, lasts }
    this.#said.delete(key)
    this.#said.set(key, announcement)
    const [oldest] = this.#said.keys()
    if (this.#said.size > MAX_KEPT && oldest !== undefined) this.#said.delete(oldest)
    this.#send(key, announcement)
  }

  /** A new connection: it knows nothing of this. */
  welcomed(): void {
    for (const [key, announcement] of this.#said) this.#send(key, announcement)
  }

  #send(key: string, announcement: Announcement): void {
    this.#emit(announcement.name, announcement.payload, () => {
      if (!announcement.lasts && this.#said.get(key) === announcement) this.#said.delete(key)
    })
  }
}
