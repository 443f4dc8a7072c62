import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { WebSocket } from 'ws'
import { CodeClient } from '../../../src/client/code-client.ts'
import type { TurnView } from '../../../src/protocol/turn-view.ts'
import { inTime } from '../check.ts'
import { pace } from '../pace.ts'
import { tokenAt } from '../speech.ts'
import { transcriptOf } from '../transcript.ts'
import { AckedDrone } from './acked-drone.ts'
import { moment } from './crew-spec.ts'
import type { CaughtUp, CrewSpec, Figures, Ordered } from './crew-spec.ts'
import type { UserKeys } from '../user-keys.ts'
import { freeze } from './frozen-viewer.ts'
import { inBatches } from '../in-batches.ts'
import { SaidAt, Watching } from './watching.ts'
import type { Pair } from './watching.ts'

/** Of the event loop's delay; what is measured contains it. */
const LOOP_RESOLUTION_MS = 5
/** Drones that connect, and turns that are ended, at a time. */
const AT_ONCE = 20

/** The drones of one load process with their turns and viewers. */
export class Crew {
  readonly #delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  #spec: CrewSpec | undefined
  #drones: AckedDrone[] = []
  #pairs: Pair[] = []
  readonly #frozen: WebSocket[] = []
  #tokens = 0
  #lumped = 0
  #cpu = process.cpuUsage()
  #resetAt = performance.now()
  #silence = new AbortController()
  #speaking: Promise<void> = Promise.resolve()

  async open(spec: CrewSpec): Promise<{ sessions: string[]; drones: string[] }> {
    this.#spec = spec
    this.#delay.enable()
    const clients = new Map<string, CodeClient>()
    const clientFor = async (index: number, place: number): Promise<CodeClient> => {
      // The turns of one viewer's connection belong to one user.
      const group = Math.floor(index / spec.pairsPerViewer)
      const name = `${group}-${place}`
      const known = clients.get(name)
      if (known) return known
      const client = new CodeClient({ url: spec.codeUrl, token: this.#keysOf(index).code })
      clients.set(name, client)
      await client.start()
      return client
    }
    this.#pairs = await inBatches(spec.spreadMs === undefined ? AT_ONCE : 1, spec.pairs, async (index) => {
      if (spec.spreadMs !== undefined) await new Promise((resolve) => setTimeout(resolve, spec.spreadMs))
      return this.#openPair(index, clientFor)
    })
    if (spec.viewers === 0) for (const client of clients.values()) client.close()
    return {
      sessions: this.#pairs.map(({ chatSessionId }) => chatSessionId),
      drones: this.#drones.map(({ droneId }) => droneId),
    }
  }

  async spares(spec: Omit<CrewSpec, 'viewers' | 'pairsPerViewer'>): Promise<null> {
    this.#spec = { ...spec, viewers: 0, pairsPerViewer: 1 }
    const drones = await inBatches(AT_ONCE, spec.pairs, async (index) => this.#connect(index, 'spare'))
    await Promise.all(drones.map(({ welcomed }) => welcomed))
    return null
  }

  speak(rate: number): null {
    this.#silence = new AbortController()
    const { signal } = this.#silence
    const speakers = this.#pairs.length
    const say = (index: number): void => this.#say(this.#pairs[index])
    this.#speaking = pace({ speakers, rate, forMs: Number.POSITIVE_INFINITY, say, signal }).then(
      (lumped) => void (this.#lumped += lumped),
    )
    return null
  }

  async quiet(): Promise<null> {
    this.#silence.abort()
    await this.#speaking
    return null
  }

  reset(): null {
    for (const { drone, watching } of this.#pairs) {
      drone.acks = []
      for (const one of watching) one.heard = []
    }
    this.#tokens = 0
    this.#cpu = process.cpuUsage()
    this.#resetAt = performance.now()
    this.#delay.reset()
    return null
  }

  figures(): Figures {
    const { user, system } = process.cpuUsage(this.#cpu)
    const overResolution = (ns: number): number => Math.max(0, ns / 1e6 - LOOP_RESOLUTION_MS)
    return {
      acks: this.#pairs.flatMap(({ drone }) => drone.acks),
      heard: this.#pairs.flatMap(({ watching }) => watching.flatMap(({ heard }) => heard)),
      said: this.#tokens,
      lumped: this.#lumped,
      loopP99Ms: overResolution(this.#delay.percentile(99)),
      loopMaxMs: overResolution(this.#delay.max),
      cpuShare: (user + system) / 1000 / (performance.now() - this.#resetAt),
    }
  }

  /** Every drone says one more token now, so that there is something to be acknowledged and seen. */
  caughtUp(since: number, limitMs: number): Promise<CaughtUp[]> {
    return Promise.all(
      this.#pairs.map(async (pair): Promise<CaughtUp> => {
        this.#say(pair)
        const { drone, watching } = pair
        const { length } = drone
        const took = async (whole: Promise<unknown>): Promise<number | undefined> =>
          (await inTime(whole, limitMs)) ? moment() - since : undefined
        const [ackedMs, seenMs] = await Promise.all([
          took(drone.whenAcked(length)),
          took(Promise.all(watching.map((one) => one.whenLength(length)))),
        ])
        return { ackedMs, seenMs }
      }),
    )
  }

  orders(): Ordered[] {
    return this.#drones.flatMap(({ orders }) => orders)
  }

  async freeze(codeUrl: string, code: string, sessions: readonly string[], reads: boolean): Promise<null> {
    await inBatches(AT_ONCE, sessions.length, async (index) => {
      this.#frozen.push(await freeze(codeUrl, code, sessions[index] ?? '', reads))
    })
    return null
  }

  async end(): Promise<{ wrong: string[] }> {
    const wrong = await inBatches(AT_ONCE, this.#pairs.length, async (index) => {
      const pair = this.#pairs[index]
      return pair ? this.#endPair(pair) : []
    })
    for (const { drone } of this.#pairs) drone.close()
    for (const socket of this.#frozen) socket.terminate()
    return { wrong: wrong.flat() }
  }

  #keysOf(index: number): UserKeys {
    const { users, pairsPerViewer } = this.#theSpec()
    const keys = users[Math.floor(index / pairsPerViewer) % users.length]
    if (!keys) throw new Error('there is no user')
    return keys
  }

  #theSpec(): CrewSpec {
    if (!this.#spec) throw new Error('the crew was not opened')
    return this.#spec
  }

  #connect(index: number, kind: 'drone' | 'spare'): AckedDrone {
    const { run, droneUrl } = this.#theSpec()
    const drone = new AckedDrone({
      url: droneUrl,
      token: this.#keysOf(index).drone,
      droneId: `${kind}-${run}-${index}`,
      workspaceId: `workspace-${run}-${index}`,
    })
    this.#drones.push(drone)
    return drone
  }

  async #openPair(
    index: number,
    clientFor: (index: number, place: number) => Promise<CodeClient>,
  ): Promise<Pair> {
    const { run, viewers } = this.#theSpec()
    const drone = this.#connect(index, 'drone')
    await drone.welcomed
    const chatSessionId = `chat-${run}-${index}`
    const said = new SaidAt()
    const watching = Array.from(
      { length: Math.max(1, viewers) },
      (_, place) => new Watching(`viewer ${place} of ${chatSessionId}`, said),
    )
    const [sender, ...others] = watching
    await sender?.send(await clientFor(index, 0), chatSessionId, drone.droneId)
    const { turnId } = await drone.ordered
    for (const [place, other] of others.entries()) {
      await other.join(await clientFor(index, place + 1), chatSessionId, turnId)
    }
    return {
      drone,
      said,
      watching: viewers === 0 ? [] : watching,
      chatSessionId,
      turnId,
      codeKey: this.#keysOf(index).code,
    }
  }

  #say(pair: Pair | undefined): void {
    if (!pair) return
    // Noted first: it may be there before `say` returns.
    const text = tokenAt(this.#tokens++, this.#theSpec().tokenBytes)
    pair.said.note(pair.drone.length + text.length)
    pair.drone.say(text)
  }

  async #endPair({ drone, watching, turnId, codeKey }: Pair): Promise<string[]> {
    if (!(await inTime(drone.end()))) return [...drone.wrong, `${drone.droneId}: its end was not taken`]
    const headers = { authorization: `Bearer ${codeKey}` }
    const response = await fetch(`${this.#theSpec().codeUrl}/api/v1/turns/${turnId}`, { headers })
    const wrong = [...drone.wrong]
    if (!response.ok) return [...wrong, `${drone.droneId}: its turn answers ${response.status}`]
    const stored = (await response.json()) as TurnView
    const digest = drone.transcript.digest()
    if (transcriptOf(stored).digest() !== digest) wrong.push(`${drone.droneId}: the store has something else`)
    if (stored.attempt !== 1 || stored.status !== 'finished')
      wrong.push(`${drone.droneId}: its turn is ${stored.status} in attempt ${stored.attempt}`)
    for (const one of watching) {
      if (!(await inTime(one.whenOver))) wrong.push(`${one.name} heard of no end`)
      const blocks = [...(one.turn?.blocks() ?? [])]
      if (transcriptOf({ blocks }).digest() !== digest) wrong.push(`${one.name} has heard something else`)
    }
    return wrong
  }
}
