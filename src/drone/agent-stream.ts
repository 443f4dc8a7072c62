import type { Readable, Writable } from 'node:stream'
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk'
import type { Logger } from './logger.ts'

/** Bytes of one message: the SDK's own limit. Without one, an agent that never ends a line would fill the memory. */
const LINE_BYTES = 32 * 1024 * 1024
const NEWLINE = 0x0a
/** Characters to quote of a line that is not a message. */
const QUOTED_CHARS = 200

export interface AgentStreamOptions {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly logger: Logger
  /** Hears every message that names a method, before the next one is read. True: the SDK need not see it. */
  readonly hear: (message: CalledMessage) => Promise<boolean>
}

export interface CalledMessage {
  readonly method: string
  readonly params?: unknown
}

/**
 * The agent's stdio as the SDK's stream, with the two things that the SDK's `ndJsonStream` does not give: it reads the
 * next message only when the last was heard, so that a slow relay stops the agent instead of filling the memory; and
 * an answer is never seen before the updates that were written before it.
 */
export class AgentStream {
  readonly stream: Stream
  readonly #options: AgentStreamOptions
  #hearing = false
  #fault: string | undefined

  constructor(options: AgentStreamOptions) {
    this.#options = options
    this.stream = { readable: ReadableStream.from(this.#messages()), writable: writableOf(options.stdin) }
  }

  /** True while a message waits to be taken: what the agent has not said then is not its fault. */
  get heldUp(): boolean {
    return this.#hearing
  }

  /** Why no more is read although the agent may have more to say. */
  get fault(): string | undefined {
    return this.#fault
  }

  async *#messages(): AsyncGenerator<AnyMessage> {
    try {
      for await (const line of linesOf(this.#options.stdout)) {
        const message = this.#parse(line)
        if (!message) continue
        if ('method' in message && (await this.#hear(message))) continue
        yield message
      }
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  async #hear(message: CalledMessage): Promise<boolean> {
    this.#hearing = true
    try {
      return await this.#options.hear(message)
    } finally {
      this.#hearing = false
    }
  }

  #parse(line: Buffer): AnyMessage | undefined {
    const text = line.toString('utf8').trim()
    if (text === '') return undefined
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null && 'jsonrpc' in value) return value as AnyMessage
    } catch {
      // Told below: agents that print a banner to stdout are common, and harmless.
    }
    this.#options.logger.debug(`The agent wrote a line that is no message: ${text.slice(0, QUOTED_CHARS)}`)
    return undefined
  }
}

async function* linesOf(stdout: Readable): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let held = 0
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      pieces.push(chunk.subarray(start, end))
      yield pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
      pieces = []
      held = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    pieces.push(chunk.subarray(start))
    held += chunk.length - start
    if (held > LINE_BYTES) throw new Error(`The agent sent a message of more than ${LINE_BYTES} bytes.`)
  }
  if (held > 0) yield Buffer.concat(pieces)
}

function writableOf(stdin: Writable): WritableStream<AnyMessage> {
  return new WritableStream({
    write: (message) =>
      new Promise((resolve, reject) => {
        stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()))
      }),
  })
}
