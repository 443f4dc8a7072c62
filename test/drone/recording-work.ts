import type {
  Choice,
  Question,
  SteerListener,
  ToolCallWords,
  ToolResultWords,
  Work,
} from '../../src/client/work.ts'
import type { SteerTaken } from '../../src/protocol/turn-view.ts'
import type { WorkOrder } from '../../src/protocol/drone-down.ts'

export type Said =
  | { readonly thinking: string }
  | { readonly response: string }
  | { readonly call: ToolCallWords }
  | { readonly result: ToolResultWords }
  | { readonly question: Question }
  | { readonly usage: Parameters<Work['usage']>[0] }
  | { readonly end: { readonly success: boolean; readonly message: string | undefined } }

export interface RecordingWorkOptions extends Partial<WorkOrder> {
  /** The option that people choose; by default they refuse. */
  readonly choice?: Choice | undefined
  /** What each entry waits for: the room in the window. */
  readonly room?: () => Promise<void>
}

let works = 0

/** A `Work` that keeps what it is told. */
export class RecordingWork implements Work {
  readonly order: WorkOrder
  readonly said: Said[] = []
  readonly #abort = new AbortController()
  readonly #aborted = new Promise<void>((resolve) => {
    this.#abort.signal.addEventListener('abort', () => resolve())
  })
  readonly #room: () => Promise<void>
  readonly #choice: Choice | undefined
  readonly #steerers: SteerListener[] = []
  /** How each steer was taken, by its text. */
  readonly taken = new Map<string, SteerTaken | void>()
  readonly #waiting: { when: () => boolean; resolve: () => void }[] = []

  constructor(options: RecordingWorkOptions = {}) {
    const { room = () => Promise.resolve(), choice, ...order } = options
    this.#choice = 'choice' in options ? choice : { optionId: 'no', by: 'ann' }
    this.#room = room
    this.order = {
      turnId: `turn-${++works}`,
      attempt: 1,
      chatSessionId: 'chat-1',
      workspaceId: 'workspace-1',
      prompt: 'Hello',
      history: [],
      ...order,
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  abort(): void {
    this.#abort.abort()
  }

  steer(text: string): void {
    for (const listener of this.#steerers)
      void Promise.resolve(listener({ messageId: `steer-${text}`, text })).then((as) =>
        this.taken.set(text, as),
      )
  }

  /** Resolves when what was said satisfies the condition. */
  until(when: () => boolean): Promise<void> {
    if (when()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ when, resolve }))
  }

  thinking(thinking: string): Promise<void> {
    return this.#say({ thinking })
  }

  response(response: string): Promise<void> {
    return this.#say({ response })
  }

  toolCall(call: ToolCallWords): Promise<void> {
    return this.#say({ call })
  }

  toolResult(result: ToolResultWords): Promise<void> {
    return this.#say({ result })
  }

  async ask(question: Question): Promise<Choice | undefined> {
    await this.#say({ question })
    return this.#choice
  }

  usage(usage: Parameters<Work['usage']>[0]): void {
    void this.#say({ usage })
  }

  onSteer(listener: SteerListener): void {
    this.#steerers.push(listener)
  }

  async complete(success: boolean, message?: string): Promise<void> {
    await this.#say({ end: { success, message } })
    // As the drone's own work does when a turn is over.
    this.abort()
  }

  get end(): { success: boolean; message: string | undefined } | undefined {
    return this.said.flatMap((said) => ('end' in said ? [said.end] : []))[0]
  }

  get answer(): string {
    return this.said.map((said) => ('response' in said ? said.response : '')).join('')
  }

  get thoughts(): string {
    return this.said.map((said) => ('thinking' in said ? said.thinking : '')).join('')
  }

  get calls(): ToolCallWords[] {
    return this.said.flatMap((said) => ('call' in said ? [said.call] : []))
  }

  resultsOf(callId: string): ToolResultWords[] {
    return this.said.flatMap((said) =>
      'result' in said && said.result.callId === callId ? [said.result] : [],
    )
  }

  call(name: string): ToolCallWords {
    const call = this.calls.find((one) => one.name === name)
    if (!call) throw new Error(`No call of ${name}, only of ${this.calls.map((one) => one.name).join(', ')}`)
    return call
  }

  /** The order of blocks: `thinking`, `response`, `call name`, `result callId`, `end`; repeats folded. */
  get outline(): string[] {
    const names = this.said.flatMap((said) => {
      if ('usage' in said) return []
      if ('call' in said) return [`call ${said.call.name}`]
      if ('result' in said) return [`result ${said.result.callId}`]
      return Object.keys(said)
    })
    return names.filter((name, index) => name !== names[index - 1])
  }

  async #say(said: Said): Promise<void> {
    if (this.#abort.signal.aborted) return
    this.said.push(said)
    for (const waiting of this.#waiting.filter(({ when }) => when())) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.resolve()
    }
    await Promise.race([this.#room(), this.#aborted])
  }
}
