import { setTimeout as sleep } from 'node:timers/promises'
import type { ToldAttempt } from './checker.ts'
import { Random } from './random.ts'
import type { Recovery } from './recovery.ts'
import { Viewer } from './viewer.ts'

/** How long a passing viewer tries to join what it wants to see. */
const JOIN_MS = 8000

export interface AudienceOptions {
  /** Where to come in: by a link that is always well, and by one that is not. */
  readonly urls: { readonly steady: string; readonly shaky: string }
  readonly key: string
  readonly seed: number
  readonly recovery: Recovery
}

/** What a viewer held when it left. */
export interface Glimpse {
  readonly viewer: string
  readonly held: ToldAttempt
}

/** Those who watch: three who stay from the first message on, and others who come and go. */
export class Audience {
  readonly #options: AudienceOptions
  readonly #random: Random
  readonly staying: readonly Viewer[]
  readonly glimpses: Glimpse[] = []
  readonly #sessions: string[] = []
  passing = 0

  constructor(options: AudienceOptions) {
    const { urls, key, recovery } = options
    this.#options = options
    this.#random = new Random(`${options.seed}/audience`)
    const viewer = (name: string, url: string): Viewer =>
      new Viewer({
        name,
        url,
        key,
        onResumed: (session) => recovery.caughtUp(`${name}/${session}`, Date.now()),
      })
    this.staying = [
      viewer('steady', urls.steady),
      viewer('shaky-1', urls.shaky),
      viewer('shaky-2', urls.shaky),
    ]
  }

  async start(): Promise<void> {
    await Promise.all(this.staying.map(({ client }) => client.start()))
  }

  /** A session has begun: from now on it can be watched. */
  begun(chatSessionId: string): void {
    this.#sessions.push(chatSessionId)
    for (const viewer of this.staying) viewer.watch(chatSessionId).catch(() => undefined)
  }

  /** Whoever of those that stay is watching what, named as `Recovery` names it. */
  get views(): string[] {
    return this.staying.flatMap(({ name, sessions }) => sessions.map((session) => `${name}/${session}`))
  }

  /** Somebody comes, looks at some sessions for a while and leaves. */
  async pass(signal: AbortSignal): Promise<void> {
    if (this.#sessions.length === 0) return
    const { urls, key } = this.#options
    const name = `passing-${(this.passing += 1)}`
    const viewer = new Viewer({ name, key, url: this.#random.chance(0.5) ? urls.steady : urls.shaky })
    viewer.client.start().catch(() => undefined)
    const wanted = new Set(Array.from({ length: 3 }, () => this.#random.of(this.#sessions)))
    const joining = [...wanted].map((session) => viewer.watch(session).catch(() => undefined))
    await Promise.race([Promise.all(joining), sleep(JOIN_MS, undefined, { ref: false })])
    await sleep(this.#random.between(500, 8000), undefined, { signal }).catch(() => undefined)
    this.#glimpse(viewer)
    viewer.close()
  }

  #glimpse(viewer: Viewer): void {
    for (const session of viewer.sessions) {
      for (const held of viewer.turnsOf(session)) this.glimpses.push({ viewer: viewer.name, held })
    }
  }

  /** One more who comes when all is over, and joins everything. */
  async late(url: string): Promise<Viewer> {
    const viewer = new Viewer({ name: 'late', url, key: this.#options.key })
    await viewer.client.start()
    await Promise.all(this.#sessions.map((session) => viewer.watch(session)))
    return viewer
  }

  close(): void {
    for (const viewer of this.staying) viewer.close()
  }
}
