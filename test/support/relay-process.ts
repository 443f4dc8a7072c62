import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { TurnView } from '../../src/protocol/turn-view.ts'
import { LineProcess } from './lines.ts'

export const MAIN = fileURLToPath(new URL('../../dist/bin/drone-relay.js', import.meta.url))

export interface FirstKeys {
  readonly drone: string
  readonly code: string
  readonly ops: string
}

/** The built command line in a process of its own. */
export function commandLine(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): LineProcess {
  return new LineProcess({ command: process.execPath, args: [MAIN, ...args], env })
}

/** A relay as people start it: `serve` in a process of its own, that can be killed and started again in its place. */
export class RelayProcess {
  readonly url: string
  readonly port: number
  readonly keys: FirstKeys
  readonly process: LineProcess
  readonly #env: Readonly<Record<string, string>>

  private constructor(
    process: LineProcess,
    url: string,
    keys: FirstKeys,
    env: Readonly<Record<string, string>>,
  ) {
    this.process = process
    this.url = url
    this.port = Number(new URL(url).port)
    this.keys = keys
    this.#env = env
  }

  static async start(
    env: Readonly<Record<string, string>>,
    args: readonly string[] = [],
  ): Promise<RelayProcess> {
    const serve = commandLine(['serve', '--json', ...args], { PORT: '0', ...env })
    const { url, keys } = await serve.until('the address', () => serve.json().find((line) => 'url' in line))
    const text = await readFile(String(keys), 'utf8')
    return new RelayProcess(serve, String(url), JSON.parse(text) as FirstKeys, env)
  }

  /** Kills it as a crash would, and starts another on the same address and store. */
  async crashAndRestart(): Promise<RelayProcess> {
    await this.process.end('SIGKILL')
    return RelayProcess.start({ ...this.#env, PORT: String(this.port) })
  }

  async turn(turnId: string): Promise<TurnView> {
    const response = await fetch(`${this.url}/api/v1/turns/${turnId}`, {
      headers: { authorization: `Bearer ${this.keys.code}` },
    })
    if (!response.ok) throw new Error(`GET turn ${turnId}: ${response.status} ${await response.text()}`)
    return (await response.json()) as TurnView
  }

  stop(): ReturnType<LineProcess['end']> {
    return this.process.end('SIGTERM')
  }
}
