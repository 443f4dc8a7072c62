import { RelayError } from '../protocol/errors.ts'
import type { Json } from '../protocol/values.ts'
import type { Entry } from '../turns/entry.ts'

/** Open calls remembered per turn, to tell a result from a new call; past this the oldest are taken as answered. */
const MAX_OPEN_CALLS = 10_000
/** Ends of subagents that wait for the call that started them. */
const MAX_WAITING_ENDS = 100

interface OpenCall {
  readonly callId: string
  readonly lane: string
  readonly tool: string
  /** Epoch ms. */
  readonly begunAt: number
}

export interface SubagentEnd {
  readonly agentId: string
  readonly response?: Json | undefined
  readonly subagent?: Json | undefined
  readonly stats?: Json | undefined
}

/** An entry and the lane it goes to. */
export interface Spoken {
  readonly lane: string
  readonly entry: Entry
}

function asText(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * What a drone of the original says of one turn, as entries: it names no positions, answers a call by saying it again,
 * and has events of its own for its subagents (docs/protocol.md, "Clients of the original").
 */
export class PlainSpeech {
  readonly #now: () => number
  readonly #open: OpenCall[] = []
  /** The lane of the newest call of each `callId`, answered or not. */
  readonly #laneOfCall = new Map<string, string>()
  readonly #ends = new Map<string, SubagentEnd>()
  #generated = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes up what was said before, as it is stored: calls without a result can still be answered. */
  recall(lane: string, entry: Entry): void {
    if (entry.kind === 'result') this.#takeOpen((call) => call.callId === entry.callId && call.lane === lane)
    if (entry.kind !== 'call') return
    this.#laneOfCall.set(entry.callId, lane)
    if (lane !== '') this.#generated += 1
    if (entry.response === '')
      this.#remember({ callId: entry.callId, lane, tool: entry.name, begunAt: entry.createdAt })
  }

  toolCall(callId: string, name: string, parameters: string, response: string): Spoken[] {
    const open = this.#takeOpen((call) => call.callId === callId && call.lane === '')
    if (open) return [this.#result('', callId, response, this.#since(open))]
    return this.#call({ callId, lane: '', tool: name, begunAt: this.#now() }, parameters, response)
  }

  agentCall(agentId: string, tool: string, args: Json | undefined, callId?: string): Spoken[] {
    this.#generated += 1
    const id = callId ?? `${agentId}:${this.#generated}`
    return this.#call({ callId: id, lane: agentId, tool, begunAt: this.#now() }, asText(args), '')
  }

  agentResult(
    agentId: string,
    tool: string | undefined,
    result: Json | undefined,
    callId?: string,
    isError?: boolean,
  ): Spoken[] {
    const isMeant = (call: OpenCall): boolean =>
      call.lane === agentId &&
      (callId === undefined ? tool === undefined || call.tool === tool : call.callId === callId)
    const open = this.#takeOpen(isMeant)
    const id = open?.callId ?? callId
    if (id === undefined) {
      throw new RelayError(
        'invalid_payload',
        `agent:tool-result: ${agentId} has no unanswered call of ${tool ?? 'any tool'}.`,
      )
    }
    const more = { ...(isError === undefined ? {} : { isError }), ...(open ? this.#since(open) : {}) }
    return [this.#result(agentId, id, asText(result), more)]
  }

  agentEnd(end: SubagentEnd): Spoken[] {
    const lane = this.#laneOfCall.get(end.agentId)
    if (lane !== undefined) return [this.#end(lane, end)]
    if (this.#ends.size >= MAX_WAITING_ENDS) {
      throw new RelayError('invalid_payload', `agent:complete: no call ${end.agentId} started that subagent.`)
    }
    this.#ends.set(end.agentId, end)
    return []
  }

  #call(call: OpenCall, parameters: string, response: string): Spoken[] {
    const { callId, lane, tool: name } = call
    this.#laneOfCall.set(callId, lane)
    if (response === '') this.#remember(call)
    const entry: Entry = { kind: 'call', callId, name, parameters, response, createdAt: this.#now() }
    const end = this.#ends.get(callId)
    this.#ends.delete(callId)
    return [{ lane, entry }, ...(end ? [this.#end(lane, end)] : [])]
  }

  #end(lane: string, { agentId, response, subagent, stats }: SubagentEnd): Spoken {
    const open = this.#takeOpen((call) => call.callId === agentId && call.lane === lane)
    return this.#result(lane, agentId, asText(response), {
      ...(open ? this.#since(open) : {}),
      ...(subagent === undefined ? {} : { subagent }),
      ...(stats === undefined ? {} : { stats }),
    })
  }

  #result(
    lane: string,
    callId: string,
    response: string,
    more: { isError?: boolean; durationMs?: number; subagent?: Json; stats?: Json } = {},
  ): Spoken {
    return { lane, entry: { kind: 'result', callId, response, ...more, createdAt: this.#now() } }
  }

  /** The clock may have been set meanwhile. */
  #since({ begunAt }: OpenCall): { durationMs: number } {
    return { durationMs: Math.max(0, this.#now() - begunAt) }
  }

  #remember(call: OpenCall): void {
    this.#open.push(call)
    if (this.#open.length > MAX_OPEN_CALLS) this.#open.shift()
  }

  #takeOpen(isMeant: (call: OpenCall) => boolean): OpenCall | undefined {
    const index = this.#open.findIndex(isMeant)
    return index < 0 ? undefined : this.#open.splice(index, 1)[0]
  }
}
