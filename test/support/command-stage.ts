import type { LineProcess } from './lines.ts'
import { RelayProcess, commandLine } from './relay-process.ts'
import type { TestStore } from './stores.ts'
import { tempDir } from './temp-dir.ts'

/** A relay, a workspace, and commands that run beside each other: all of it is gone when the test is over. */
export class CommandStage {
  relay: RelayProcess
  readonly folder: string
  readonly #store: TestStore
  readonly #dir: Awaited<ReturnType<typeof tempDir>>
  readonly #running: LineProcess[] = []

  private constructor(store: TestStore, dir: Awaited<ReturnType<typeof tempDir>>, relay: RelayProcess) {
    this.#store = store
    this.#dir = dir
    this.folder = dir.path
    this.relay = relay
  }

  static async open(
    make: () => Promise<TestStore>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<CommandStage> {
    const store = await make()
    const dir = await tempDir('workspace')
    return new CommandStage(store, dir, await RelayProcess.start({ ...store.env, ...env }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((process) => process.end('SIGKILL')))
    await this.relay.stop()
    await this.#store.remove()
    await this.#dir.remove()
  }

  run(args: readonly string[], key: string): LineProcess {
    const env = { RELAY_KEY: key, XDG_STATE_HOME: this.folder }
    const process = commandLine([...args, '--url', this.relay.url], env)
    this.#running.push(process)
    return process
  }

  drone(...args: string[]): LineProcess {
    return this.run(['drone', '--cwd', this.folder, '--json', ...args], this.relay.keys.drone)
  }

  /** A drone with the demo agent, when it is connected. */
  async connectedDrone(...args: string[]): Promise<LineProcess> {
    const drone = this.drone(...args)
    await drone.until('the connection', () => drone.errors.some((line) => line.includes('is connected')))
    return drone
  }

  chat(...args: string[]): LineProcess {
    return this.run(['chat', '--json', ...args], this.relay.keys.code)
  }

  async crashAndRestart(): Promise<void> {
    this.relay = await this.relay.crashAndRestart()
  }
}
