import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { STATUS_CODES } from 'node:http'
import type { Response } from 'express'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { RelayError, toRelayError } from '../protocol/errors.ts'
import { name, opt } from '../protocol/values.ts'
import { AgentState } from '../sessions/agent-state.ts'
import type { AgentStateOptions } from '../sessions/agent-state.ts'
import type { Gate } from '../sessions/handshake.ts'
import { isAllowedOrigin } from '../sessions/origins.ts'
import type { Terminals } from '../sessions/terminals.ts'
import type { RelayTerminal } from '../terminals/relay-terminal.ts'
import type { Clock } from '../turns/clock.ts'
import { sendProblem } from './problem.ts'
import { RawOutlet } from './raw-outlet.ts'
import { USERS, parse } from './request.ts'
import { TerminalStream } from './terminal-stream.ts'

const PATH = /^\/(?:terminals|sessions)\/([^/?#]+)\/stream(?:\?(.*))?$/
const BEARER = 'bearer.'
/** More than anything that a client says. */
const MOST_BYTES = 4096
/**
 * How long the store may keep who comes waiting. Below the second after which engine.io ends an upgrade that nobody has
 * answered, whoever it is for.
 */
const ANSWER_MS = 800

const named = z.object({ terminalId: name, droneId: opt(name) })

export interface TerminalStreamsOptions extends Omit<AgentStateOptions, 'chatSessionId' | 'clock'> {
  readonly gate: Pick<Gate, 'access' | 'closedFor' | 'logger'>
  readonly terminals: Pick<Terminals, 'findAny'>
  readonly clock: Clock
  readonly corsOrigins: readonly string[]
  readonly frozenMs: number
  readonly pingIntervalMs: number
}

interface Entered {
  readonly terminal: RelayTerminal
  readonly agent: AgentState
}

/** [TM8] Those who watch terminals without Socket.IO: who they are is known before they are let in. */
export class TerminalStreams {
  readonly #options: TerminalStreamsOptions
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
    autoPong: false,
    handleProtocols: (protocols) => bearerOf(protocols) ?? false,
  })
  readonly #streams = new Set<TerminalStream>()
  /** Everybody who is there or about to come in, with the key. */
  readonly #keyIds = new Map<Duplex, string | undefined>()

  constructor(options: TerminalStreamsOptions) {
    this.#options = options
    options.gate.access.onRevoked((revoked) => {
      for (const [tcp, keyId] of this.#keyIds) if (keyId === revoked) tcp.destroy()
    })
  }

  /** Takes what asks for a terminal; false for anything else, which is somebody else's to answer. */
  handle(request: IncomingMessage, tcp: Duplex, head: Buffer): boolean {
    // Node itself listens no more. Unheard, a connection that is reset would end the process.
    tcp.on('error', () => tcp.destroy())
    const [, id, query] = PATH.exec(request.url ?? '') ?? []
    if (id === undefined) return false
    this.#keyIds.set(tcp, undefined)
    tcp.on('close', () => this.#keyIds.delete(tcp))
    void this.#answer(request, tcp, head, { id, query: new URLSearchParams(query) })
    return true
  }

  /** The relay stops. */
  close(): void {
    for (const stream of this.#streams) stream.close()
  }

  async #answer(request: IncomingMessage, tcp: Duplex, head: Buffer, asked: Asked): Promise<void> {
    const { clock } = this.#options
    const late = new RelayError('store_unavailable', 'The store does not answer.')
    const cancel = clock.after(ANSWER_MS, () => this.#refuse(tcp, late))
    try {
      this.#upgrade(request, tcp, head, await this.#enter(request, tcp, asked))
    } catch (error) {
      this.#refuse(tcp, toRelayError(error))
    } finally {
      cancel()
    }
  }

  async #enter(request: IncomingMessage, tcp: Duplex, { id, query }: Asked): Promise<Entered> {
    const { gate, terminals, corsOrigins } = this.#options
    if (!isAllowedOrigin(request, corsOrigins))
      throw new RelayError('origin_not_allowed', 'Pages of this origin may not connect.')
    this.#checkOpen()
    const { keyId, userId } = await gate.access.identify(keyOf(request), USERS)
    if (this.#keyIds.has(tcp)) this.#keyIds.set(tcp, keyId)
    const which = parse(named, { terminalId: decoded(id), droneId: query.get('drone') })
    const terminal = await terminals.findAny(userId, which)
    const { chatSessionId } = terminal.name
    return { terminal, agent: await AgentState.of({ ...this.#options, chatSessionId }) }
  }

  #upgrade(request: IncomingMessage, tcp: Duplex, head: Buffer, { terminal, agent }: Entered): void {
    let isIn = false
    try {
      this.#checkOpen()
      this.#server.handleUpgrade(request, tcp, head, (ws) => {
        isIn = true
        const outlet = new RawOutlet({ ...this.#options, ws, tcp })
        const stream = new TerminalStream({ ws, outlet, terminal, agent })
        this.#streams.add(stream)
        ws.on('close', () => this.#streams.delete(stream))
      })
    } finally {
      // It may have gone meanwhile, or not speak WebSocket.
      if (!isIn) agent.close()
    }
  }

  #checkOpen(): void {
    const closed = this.#options.gate.closedFor()
    if (closed) throw closed
  }

  #refuse(tcp: Duplex, error: RelayError): void {
    if (!tcp.writable) return
    const { code, message: reason, level, cause } = error
    this.#options.gate.logger.log(level, 'A stream of a terminal was refused.', {
      code,
      reason,
      ...(code === 'internal' ? { error: cause } : {}),
    })
    sendProblem(responseOn(tcp), error)
  }
}

/** As `id` and `query` of an address. */
interface Asked {
  readonly id: string
  readonly query: URLSearchParams
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

function bearerOf(protocols: Iterable<string>): string | undefined {
  return [...protocols].find((protocol) => protocol.startsWith(BEARER))
}

/** A page cannot say headers of its own: it names its key as a subprotocol. */
function keyOf({ headers }: IncomingMessage): string | undefined {
  const inHeader = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
  return inHeader ?? bearerOf(offered)?.slice(BEARER.length)
}

/** As much of a response as a problem needs: for an upgrade, Node makes none. */
function responseOn(tcp: Duplex): Response {
  const lines = ['Connection: close']
  let line = ''
  const response = {
    setHeader: (name: string, value: string | number) => void lines.push(`${name}: ${value}`),
    status: (status: number) => {
      line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`
      return response
    },
    type: (mediaType: string) => {
      lines.push(`Content-Type: ${mediaType}`)
      return response
    },
    send: (body: string) => {
      lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
      tcp.end([line, ...lines, '', body].join('\r\n'), () => tcp.destroy())
    },
  }
  return response as unknown as Response
}
