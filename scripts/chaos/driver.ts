import { setTimeout as sleep } from 'node:timers/promises'
import { RelayError } from '../../src/protocol/errors.ts'
import type { SessionChange } from '../../src/client/viewed-session.ts'
import { isEnded } from './checker.ts'
import { Random } from './random.ts'
import { Viewer } from './viewer.ts'

/** A turn whose end is not heard of for so long is left alone, and another message is tried. */
const OVER_MS = 60_000
/** Before a message that was refused is sent again. */
const AGAIN_MS = 400

export interface DriverOptions {
  readonly name: string
  readonly url: string
  readonly key: string
  readonly seed: number
  readonly sessions: readonly string[]
  /** The mean pause between a turn's end and the next message, ms. */
  readonly pauseMs: number
  /** The share of turns that are aborted. */
  readonly aborted: number
  /** The share of turns during which another message comes: half of those wait, half go into the turn. */
  readonly queued: number
  readonly onSession: (chatSessionId: string) => void
}

/** Somebody who goes on talking in several sessions: one message after another, each sent until it is answered. */
export class Driver {
  readonly #options: DriverOptions
  readonly #random: Random
  readonly #stopping = new AbortController()
  readonly #over = new Map<string, () => void>()
  readonly viewer: Viewer
  /** The turn of each message that was answered. */
  readonly turns = new Map<string, string>()
  /** Messages that were given to a queue, and answered. */
  readonly queued = new Set<string>()
  readonly refusals = new Map<string, number>()
  readonly #queueing = new Set<Promise<void>>()
  #loops: Promise<unknown> = Promise.resolve()

  constructor(options: DriverOptions) {
    const { name, url, key, seed } = options
    this.#options = options
    this.#random = new Random(`${seed}/${name}`)
    this.viewer = new Viewer({ name, url, key, onChange: (_session, change) => this.#heard(change) })
  }

  async start(): Promise<void> {
    await this.viewer.client.start()
    this.#loops = Promise.all(this.#options.sessions.map((session) => this.#talk(session)))
  }

  /** No more messages; resolves when the last one is answered, false where that takes too long. */
  async stop(withinMs: number): Promise<boolean> {
    this.#stopping.abort()
    for (const resolve of this.#over.values()) resolve()
    const timeout = sleep(withinMs, false, { ref: false })
    const all = this.#loops.then(() => Promise.all(this.#queueing))
    return Promise.race([all.then(() => true), timeout])
  }

  async #talk(chatSessionId: string): Promise<void> {
    const { signal } = this.#stopping
    for (let count = 1; !signal.aborted; count++) {
      const messageId = `${chatSessionId}-${count}`
      const turnId = await this.#send(chatSessionId, messageId)
      if (turnId === undefined) return
      this.turns.set(messageId, turnId)
      if (count === 1) this.#options.onSession(chatSessionId)
      if (this.#random.chance(this.#options.aborted)) void this.#abortLater(chatSessionId, turnId)
      if (this.#random.chance(this.#options.queued)) this.#queueLater(chatSessionId, `${messageId}-more`)
      await this.#untilOver(chatSessionId, turnId)
      await sleep(this.#random.around(this.#options.pauseMs), undefined, { signal }).catch(() => undefined)
    }
  }

  #queueLater(chatSessionId: string, messageId: string): void {
    const queueing = this.#queue(chatSessionId, messageId).finally(() => this.#queueing.delete(queueing))
    this.#queueing.add(queueing)
  }

  async #queue(chatSessionId: string, messageId: string): Promise<void> {
    const steer = this.#random.chance(0.5)
    await sleep(this.#random.between(0, 4000))
    if (this.#stopping.signal.aborted) return
    const message = { chatSessionId, messageId, content: messageId, workspaceId: 'chaos', steer }
    for (;;) {
      try {
        const { view } = await this.viewer.client.queue(message, this.viewer.listener(chatSessionId))
        this.viewer.holds(chatSessionId, view)
        this.queued.add(messageId)
        return
      } catch (error) {
        this.#refused(error)
        // It may have been taken all the same: only the answer says so.
        await sleep(AGAIN_MS)
      }
    }
  }

  /** Undefined where nothing was sent and nothing is to be sent any more. */
  async #send(chatSessionId: string, messageId: string): Promise<string | undefined> {
    const message = { chatSessionId, messageId, content: messageId, workspaceId: 'chaos' }
    let isOpen = false
    while (isOpen || !this.#stopping.signal.aborted) {
      try {
        const sent = await this.viewer.client.send(message, this.viewer.listener(chatSessionId))
        this.viewer.holds(chatSessionId, sent.view)
        return sent.turnId
      } catch (error) {
        const code = this.#refused(error)
        // Its turn may have been made all the same: only the answer says so.
        if (code !== 'turn_in_progress') isOpen = true
        else if (this.#stopping.signal.aborted) return undefined
        await sleep(AGAIN_MS)
      }
    }
    return undefined
  }

  #refused(error: unknown): string {
    const code = error instanceof RelayError ? error.code : String(error)
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
    return code
  }

  async #abortLater(chatSessionId: string, turnId: string): Promise<void> {
    await sleep(this.#random.between(0, 4000), undefined, { ref: false })
    await this.viewer.client.abort(chatSessionId, turnId).catch(() => undefined)
  }

  async #untilOver(chatSessionId: string, turnId: string): Promise<void> {
    if (isEnded(this.viewer.turn(chatSessionId, turnId)?.status ?? '')) return
    if (this.#stopping.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, OVER_MS)
      this.#over.set(turnId, () => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.#over.delete(turnId)
  }

  #heard(change: SessionChange): void {
    if (change.kind === 'status' && isEnded(change.turn.status)) this.#over.get(change.turn.turnId)?.()
  }
}
