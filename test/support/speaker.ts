import { join } from 'node:path'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { Work } from '../../src/client/work.ts'
import type { RelayProcess } from './relay-process.ts'

/** Between two pieces that it says, and how long each is: some 20 kB/s. */
const PIECE_MS = 10
const PIECE_UNITS = 200

/** A drone that speaks without end in its one turn, as fast as it is let, and remembers all that it said. */
export class Speaker {
  readonly drone: DroneClient
  /** Resolves with its first words. */
  readonly begun: Promise<void>
  said = ''
  turnId = ''
  #askedAt: number | undefined
  #stops = false
  #ended: Promise<void>

  constructor(relay: Pick<RelayProcess, 'url' | 'keys'>, workspaceId: string, stateDir: string) {
    let resolveBegun: () => void = () => undefined
    let resolveEnded: () => void = () => undefined
    this.begun = new Promise((resolve) => (resolveBegun = resolve))
    this.#ended = new Promise((resolve) => (resolveEnded = resolve))
    this.drone = new DroneClient({
      url: relay.url,
      token: relay.keys.drone,
      registration: { name: 'speaker', hostname: 'box', workspaceId, droneId: workspaceId },
      stateDir: join(stateDir, workspaceId),
      onWorkOrder: async (work) => {
        this.turnId = work.order.turnId
        resolveBegun()
        await this.#speak(work)
        await work.complete(true)
        resolveEnded()
      },
    })
  }

  /** For how long its last piece has been waiting for room. */
  heldMs(): number {
    return this.#askedAt === undefined ? 0 : performance.now() - this.#askedAt
  }

  /** Says no more; resolves once all of it is stored. */
  finish(): Promise<void> {
    this.#stops = true
    return this.#ended
  }

  async #speak(work: Work): Promise<void> {
    for (let n = 0; !this.#stops && !work.signal.aborted; n++) {
      const text = `${n} `.padEnd(PIECE_UNITS, '.')
      this.said += text
      this.#askedAt = performance.now()
      await work.response(text)
      this.#askedAt = undefined
      await new Promise((resolve) => setTimeout(resolve, PIECE_MS))
    }
  }
}
