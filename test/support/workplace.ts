import { randomUUID } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodeClient } from '../../src/client/code-client.ts'
import type { ViewedSession } from '../../src/client/viewed-session.ts'
import type { FleetDrone } from '../../src/protocol/ops.ts'
import type { TurnView } from '../../src/protocol/turn-view.ts'
import type { LineProcess } from './lines.ts'
import { RelayProcess, commandLine } from './relay-process.ts'
import { saidText } from './said-text.ts'
import { tempDir } from './temp-dir.ts'
import { until } from './until.ts'

const AGENT = fileURLToPath(new URL('../../dist/test/support/scripted-agent.js', import.meta.url))
/** How long a fact about these processes may take to become true. */
const WITHIN_MS = 20_000

interface Sent {
  readonly turnId: string
  readonly status: string
  readonly view: ViewedSession
}

/** A relay, drones that host the scripted agent, and somebody who watches: each but the last a process of its own. */
export class Workplace {
  readonly viewer: CodeClient
  relay: RelayProcess
  readonly #dir: Awaited<ReturnType<typeof tempDir>>
  readonly #processes: LineProcess[] = []

  private constructor(relay: RelayProcess, dir: Awaited<ReturnType<typeof tempDir>>) {
    this.relay = relay
    this.#dir = dir
    this.viewer = new CodeClient({ url: relay.url, token: relay.keys.code })
  }

  static async open(env: Readonly<Record<string, string>>): Promise<Workplace> {
    const dir = await tempDir('workplace')
    const relay = await RelayProcess.start({ DATA_DIR: dir.path, MONGODB_URI: '', ...env })
    const place = new Workplace(relay, dir)
    await place.viewer.start()
    return place
  }

  async close(): Promise<void> {
    this.viewer.close()
    for (const { child } of [this.relay.process, ...this.#processes]) child.kill('SIGCONT')
    await Promise.all(this.#processes.map((process) => process.end('SIGKILL')))
    await this.relay.process.end('SIGKILL')
    await this.#dir.remove()
  }

  /** A process that ends with the test. */
  keep(process: LineProcess): LineProcess {
    this.#processes.push(process)
    return process
  }

  stateDir(droneId: string): string {
    return join(this.#dir.path, `state of ${droneId}`)
  }

  /** Where drones keep their state that are not told where. */
  get stateHome(): string {
    return join(this.#dir.path, 'xdg')
  }

  /** `drone-relay drone` with the scripted agent, when it is connected; every one of that id has the same state. */
  async drone(droneId: string, state = ['--state-dir', this.stateDir(droneId)]): Promise<LineProcess> {
    const { url, keys } = this.relay
    const log = join(this.#dir.path, `agent of ${droneId}`)
    const env = { RELAY_KEY: keys.drone, AGENT_LOG: log, XDG_STATE_HOME: this.stateHome }
    const place = ['--cwd', this.#dir.path, '--workspace', 'w', '--drone-id', droneId]
    const args = ['--agent', `"${process.execPath}" "${AGENT}"`, ...state]
    const drone = this.keep(commandLine(['drone', '--url', url, '--json', ...place, ...args], env))
    await drone.until('the connection', () => drone.errors.some((line) => line.includes('is connected')))
    return drone
  }

  /** What the agent of a drone has noted, over all its processes. */
  async notesOf(droneId: string): Promise<string[]> {
    const notes = await readFile(join(this.#dir.path, `agent of ${droneId}`), 'utf8').catch(() => '')
    return notes.split('\n').filter((note) => note !== '')
  }

  /** The turns that a drone has written down. */
  async ordersOf(droneId: string): Promise<string[]> {
    const names = await readdir(this.stateDir(droneId)).catch(() => [])
    return names.map((name) => name.replace('.order.json', ''))
  }

  send(words: number, everyMs: number, units = 0): Promise<Sent> {
    const content = `say ${words} words of ${units} every ${everyMs} ms`
    return this.viewer.send({ content, messageId: randomUUID(), workspaceId: 'w' }, () => undefined)
  }

  async turn(turnId: string, attempt?: number): Promise<TurnView & { text: string }> {
    const path = `/api/v1/turns/${turnId}${attempt === undefined ? '' : `?attempt=${attempt}`}`
    const turn = (await this.#call(path, this.relay.keys.code)) as TurnView
    return { ...turn, text: saidText(turn.blocks) }
  }

  /** The turn once it is so. */
  async untilTurn(
    turnId: string,
    what: string,
    isSo: (turn: TurnView & { text: string }) => boolean,
  ): Promise<TurnView & { text: string }> {
    let turn = await this.turn(turnId)
    await until(`the turn ${what}`, WITHIN_MS, async () => isSo((turn = await this.turn(turnId))))
    return turn
  }

  async drones(): Promise<FleetDrone[]> {
    return ((await this.#call('/api/v1/drones', this.relay.keys.ops)) as { drones: FleetDrone[] }).drones
  }

  async droneIs(droneId: string, state: FleetDrone['state']): Promise<FleetDrone> {
    let drone: FleetDrone | undefined
    await until(`drone ${droneId} is ${state}`, WITHIN_MS, async () => {
      drone = (await this.drones()).find((each) => each.droneId === droneId)
      return drone?.state === state
    })
    return drone as FleetDrone
  }

  async release({ registrationId }: FleetDrone): Promise<void> {
    await this.#call(`/api/v1/drones/${registrationId}/release`, this.relay.keys.ops, { reason: 'mended' })
  }

  async #call(path: string, key: string, body?: object): Promise<unknown> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers }
    const response = await fetch(`${this.relay.url}${path}`, request)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
}
