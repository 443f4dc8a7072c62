import { randomUUID } from 'node:crypto'
import type { CodeClient } from '../../../src/client/code-client.ts'
import type { ViewedSession } from '../../../src/client/viewed-session.ts'
import type { AckedDrone } from './acked-drone.ts'

/** When each token of a drone was said, for all of its viewers. */
export class SaidAt {
  readonly ends: number[] = []
  readonly at: number[] = []

  note(end: number): void {
    this.ends.push(end)
    this.at.push(performance.now())
  }
}

/** One viewer of one turn: how far it is, and how long each token took to it. */
export class Watching {
  readonly name: string
  readonly #said: SaidAt
  #view: ViewedSession | undefined
  #turnId: string | undefined
  #length = 0
  #next = 0
  #waiting: { readonly length: number; readonly resolve: () => void }[] = []
  /** Ms from saying a token to hearing it; emptied by who reads it. */
  heard: number[] = []
  /** Called at the end of the turn. */
  readonly whenOver: Promise<void>
  #resolveOver: () => void = () => undefined

  constructor(name: string, said: SaidAt) {
    this.name = name
    this.#said = said
    this.whenOver = new Promise((resolve) => (this.#resolveOver = resolve))
  }

  get turn() {
    return this.#turnId === undefined ? undefined : this.#view?.turn(this.#turnId)
  }

  /** Sends the message that makes the turn, and watches it. */
  async send(client: CodeClient, chatSessionId: string, droneId: string): Promise<void> {
    const message = { chatSessionId, droneId, content: 'Speak.', messageId: randomUUID() }
    const { view, turnId } = await client.send(message, () => this.#changed())
    this.#view = view
    this.#turnId = turnId
    this.#changed()
  }

  async join(client: CodeClient, chatSessionId: string, turnId: string): Promise<void> {
    this.#turnId = turnId
    this.#view = await client.watch(chatSessionId, () => this.#changed())
    this.#changed()
  }

  whenLength(length: number): Promise<void> {
    if (this.#length >= length) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ length, resolve }))
  }

  #changed(): void {
    const { turn } = this
    if (!turn) return
    this.#length = turn.length('')
    const now = performance.now()
    const { ends, at } = this.#said
    for (; (ends[this.#next] ?? Number.POSITIVE_INFINITY) <= this.#length; this.#next++) {
      this.heard.push(now - (at[this.#next] ?? now))
    }
    if (turn.status === 'finished' || turn.status === 'failed' || turn.status === 'aborted')
      this.#resolveOver()
    if (this.#waiting.length === 0) return
    for (const { length, resolve } of this.#waiting) if (length <= this.#length) resolve()
    this.#waiting = this.#waiting.filter(({ length }) => length > this.#length)
  }
}

/** A drone, its turn, and those who watch it. */
export interface Pair {
  readonly drone: AckedDrone
  readonly said: SaidAt
  readonly watching: readonly Watching[]
  readonly chatSessionId: string
  readonly turnId: string
  readonly codeKey: string
}
