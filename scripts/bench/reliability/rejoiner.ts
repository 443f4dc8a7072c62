import type { Socket } from 'socket.io-client'
import { PROTOCOL_VERSION } from '../../../src/protocol/handshake.ts'
import type { JoinAnswer } from '../../../src/protocol/code-up.ts'
import type { Position } from '../../../src/protocol/position.ts'
import { connected } from '../connected.ts'

/** What a viewer got of each turn between the answer to its join and `resumed`. */
export interface Rejoined {
  readonly ms: number
  readonly resume: JoinAnswer['resume']
  readonly heads: readonly Position[]
  readonly texts: ReadonlyMap<string, string>
}

type Answer = ({ ok: true } & JoinAnswer) | { ok: false; error: { code: string; message: string } }

/** A bare viewer that joins again and again on one connection. */
export class Rejoiner {
  readonly #socket: Socket
  #texts: Map<string, string> | undefined
  #resumed: (heads: readonly Position[]) => void = () => undefined
  readonly welcomed: Promise<void>

  constructor(url: string, token: string, onTrouble: (why: string) => void) {
    this.#socket = connected(`${url}/code`, { token, protocol: PROTOCOL_VERSION }, onTrouble)
    this.welcomed = new Promise((resolve) => this.#socket.once('welcome', () => resolve()))
    this.#socket.on('response', (text: string, { turnId }: Position) => {
      this.#texts?.set(turnId, (this.#texts.get(turnId) ?? '') + text)
    })
    this.#socket.on('resumed', ({ heads }: { heads: readonly Position[] }) => this.#resumed(heads))
  }

  send(message: object): Promise<{ ok: boolean; turnId: string }> {
    return this.#socket.emitWithAck('chat:send', message) as Promise<{ ok: boolean; turnId: string }>
  }

  join(chatSessionId: string, cursors: readonly Position[]): Promise<Rejoined> {
    const begunAt = performance.now()
    this.#texts = undefined
    return new Promise((resolve, reject) => {
      let resume: JoinAnswer['resume'] = []
      this.#resumed = (heads) => {
        if (!this.#texts) return
        const texts = this.#texts
        this.#texts = undefined
        resolve({ ms: performance.now() - begunAt, resume, heads, texts })
      }
      // In a callback: what comes right behind the answer belongs to it.
      this.#socket.emit('session:join', { chatSessionId, cursors }, (answer: Answer) => {
        if (!answer.ok) {
          reject(new Error(`session:join answered ${answer.error.code}: ${answer.error.message}`))
          return
        }
        resume = answer.resume
        this.#texts = new Map()
      })
    })
  }

  close(): void {
    this.#socket.disconnect()
  }
}
