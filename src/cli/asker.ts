import { createInterface } from 'node:readline/promises'
import type { CodeClient } from '../client/code-client.ts'
import type { SessionChange } from '../client/viewed-session.ts'
import type { OpenPermission } from '../protocol/code-up.ts'

interface AskerOptions {
  readonly client: Pick<CodeClient, 'choose'>
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly note: (text: string) => void
}

/** Has the person at the terminal answer what agents ask, one question after the other. */
export class Asker {
  readonly #options: AskerOptions
  readonly #waiting: OpenPermission[] = []
  #asked: { readonly permission: OpenPermission; readonly cancel: AbortController } | undefined

  constructor(options: AskerOptions) {
    this.#options = options
  }

  hear(change: SessionChange): void {
    if (change.kind === 'asked') {
      this.#waiting.push(change.permission)
      void this.#next()
    } else if (change.kind === 'answered') this.#answered(change.permission)
  }

  close(): void {
    this.#waiting.length = 0
    this.#asked?.cancel.abort()
  }

  async #next(): Promise<void> {
    const permission = this.#asked ? undefined : this.#waiting.shift()
    if (!permission) return
    const cancel = new AbortController()
    this.#asked = { permission, cancel }
    try {
      await this.#ask(permission, cancel.signal)
    } catch (error) {
      if (!cancel.signal.aborted) this.#options.note(`(it was not answered: ${String(error)})`)
    } finally {
      this.#asked = undefined
    }
    await this.#next()
  }

  async #ask({ droneId, requestId, options }: OpenPermission, signal: AbortSignal): Promise<void> {
    const { client, input, output } = this.#options
    const terminal = createInterface({ input, output })
    // Without a listener of its own it would keep Ctrl-C to itself.
    terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    try {
      for (;;) {
        const line = await terminal.question(`your choice, 1 to ${options.length}: `, { signal })
        const chosen = options[Number(line.trim()) - 1]
        if (!chosen) continue
        await client.choose(droneId, requestId, chosen.optionId)
        return
      }
    } finally {
      terminal.close()
    }
  }

  #answered({ droneId, requestId }: OpenPermission): void {
    const isIt = (one: OpenPermission): boolean => one.droneId === droneId && one.requestId === requestId
    const index = this.#waiting.findIndex(isIt)
    if (index !== -1) this.#waiting.splice(index, 1)
    if (this.#asked && isIt(this.#asked.permission)) this.#asked.cancel.abort()
  }
}
