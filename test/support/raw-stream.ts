import { text as textOf } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import type { ClientOptions, RawData } from 'ws'

/** How long a fact may take to become true before the test says that it did not. */
const WITHIN_MS = 18_000

interface Message {
  readonly type: string
  readonly seq?: number
  readonly data?: string
  readonly code?: string
  readonly [field: string]: unknown
}

export interface StreamOptions extends ClientOptions {
  readonly key?: string | undefined
  readonly protocols?: string[]
}

/** A client of a raw stream, strict about positions: bytes that are not at the very end of what it holds are a fault. */
export class RawStream {
  readonly ws: WebSocket
  readonly messages: Message[] = []
  /** All that was told of the screen, in order: snapshots in brackets, sizes in braces, the end as a full stop. */
  text = ''
  seq: number | undefined
  bytes = 0
  readonly faults: string[] = []
  refusal: { readonly status: number; readonly body: { readonly code?: string } } | undefined
  closedWith: number | undefined
  readonly #checks = new Set<() => void>()

  constructor(url: string, { key, protocols = [], ...options }: StreamOptions) {
    const headers = { ...options.headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }
    this.ws = new WebSocket(url.replace(/^http/, 'ws'), protocols, { ...options, headers })
    this.ws.on('message', (data, isBinary) => {
      if (isBinary) this.#take(data as Buffer)
      else this.#hear(data)
      this.#check()
    })
    this.ws.on('unexpected-response', (_request, response) => {
      void textOf(response).then((body) => {
        this.refusal = {
          status: response.statusCode ?? 0,
          body: JSON.parse(body) as { code?: string },
        }
        this.#check()
      })
    })
    this.ws.on('error', () => undefined)
    this.ws.on('close', (code) => {
      this.closedWith = code
      this.#check()
    })
  }

  say(message: unknown): void {
    this.ws.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message))
  }

  resume(lastSeq: unknown = null): void {
    if (typeof lastSeq === 'number') this.seq = lastSeq
    this.say({ type: 'resume', lastSeq })
  }

  all(type: string): Message[] {
    return this.messages.filter((message) => message.type === type)
  }

  errors(): (string | undefined)[] {
    return this.all('error').map(({ code }) => code)
  }

  /** The nth of its kind, from 1. */
  message(type: string, number = 1): Promise<Message> {
    return this.until(`${type} ${number}`, () => this.all(type)[number - 1])
  }

  untilText(text: string): Promise<true> {
    return this.until(`the text ${text}`, () => this.text === text)
  }

  /** The code that it was closed with; 1006 where it was cut. */
  closed(): Promise<number> {
    return this.until('a close', () => this.closedWith)
  }

  refused(): Promise<NonNullable<RawStream['refusal']>> {
    return this.until('a refusal', () => this.refusal)
  }

  /** Resolves with the first truthy answer of `fact`, asked now and after everything that is heard. */
  until<Fact>(what: string, fact: () => Fact | undefined | false): Promise<Fact> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#checks.delete(check)
        const heard = this.messages.map((message) => JSON.stringify(message).slice(0, 100)).join(' ')
        reject(
          new Error(
            `waited in vain for ${what}; text: ${this.text.slice(-100)}; heard: ${heard.slice(-500)}`,
          ),
        )
      }, WITHIN_MS)
      const check = (): void => {
        const found = fact()
        if (found === undefined || found === false) return
        clearTimeout(timer)
        this.#checks.delete(check)
        resolve(found)
      }
      this.#checks.add(check)
      check()
    })
  }

  #take(frame: Buffer): void {
    const [seq, bytes] = [Number(frame.readBigUInt64BE()), frame.subarray(8)]
    const from = seq - bytes.length
    if (from !== (this.seq ?? 0)) this.faults.push(`bytes from ${from}, ${this.seq} held`)
    this.seq = seq
    this.bytes += bytes.length
    this.text += bytes.toString()
  }

  #hear(data: RawData): void {
    const message = JSON.parse((data as Buffer).toString()) as Message
    this.messages.push(message)
    const { type, cols, rows } = message
    if (type === 'snapshot') {
      this.text += `[${Buffer.from(message.data ?? '', 'base64').toString()}]`
      this.seq = message.seq
    }
    if (type === 'resized') this.text += `{${String(cols)}x${String(rows)}}`
    if (type === 'exited') this.text += '.'
  }

  #check(): void {
    for (const check of this.#checks) check()
  }
}
