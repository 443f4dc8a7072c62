import type { Choice, Question, Steer, ToolCallWords, ToolResultWords, Work } from '../../src/client/work.ts'
import type { WorkOrder } from '../../src/protocol/drone-down.ts'

/** A work order without a relay: what the agent says is printed. */
export class PrintedWork implements Work {
  readonly order: WorkOrder
  readonly #abort = new AbortController()
  #mode = ''

  constructor(order: Partial<WorkOrder> & { prompt: string }) {
    const ids = { turnId: 'turn-1', attempt: 1, chatSessionId: 'chat-1', workspaceId: 'here', history: [] }
    this.order = { ...ids, ...order }
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  abort(): void {
    this.#abort.abort()
  }

  thinking(text: string): Promise<void> {
    return this.#print('thinking', text)
  }

  response(text: string): Promise<void> {
    return this.#print('response', text)
  }

  toolCall({ callId, name, params, detail }: ToolCallWords): Promise<void> {
    return this.#print(`call ${callId}`, `${name} ${params} ${JSON.stringify(detail ?? {})}`)
  }

  toolResult({ callId, response, isError, detail }: ToolResultWords): Promise<void> {
    const more = detail ? `\n${JSON.stringify(detail)}` : ''
    return this.#print(`${isError ? 'failure' : 'result'} of ${callId}`, `${response}${more}`)
  }

  /** Nobody is there who could allow anything. */
  async ask({ title }: Question): Promise<Choice | undefined> {
    await this.#print('question', `${title}\n`)
    return undefined
  }

  usage(totals: Parameters<Work['usage']>[0]): void {
    void this.#print('usage', JSON.stringify(totals))
  }

  onSteer(_listener: (steer: Steer) => void): void {
    // Nobody steers here.
  }

  complete(success: boolean, message = ''): Promise<void> {
    return this.#print(success ? 'finished' : 'failed', `${message}\n`)
  }

  #print(mode: string, text: string): Promise<void> {
    const heading = mode === this.#mode ? '' : `\n--- ${mode} ---\n`
    this.#mode = mode
    return new Promise((resolve) => process.stdout.write(heading + text, () => resolve()))
  }
}
