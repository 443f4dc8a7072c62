import type { Placed } from './entry.ts'

/** An entry as an event: its name, and its arguments with `at` as the last. */
export interface WireEntry {
  readonly name: string
  readonly args: readonly unknown[]
}

/** Where the entry is, for those it is sent to. */
export interface Place {
  /** Only towards viewers. */
  readonly chatSessionId?: string
  readonly turnId: string
  readonly attempt: number
  readonly lane: string
}

export function wireEntry(place: Place, { offset, entry }: Placed): WireEntry {
  const { chatSessionId, turnId, attempt, lane } = place
  const at = { turnId, attempt, lane, offset, chatSessionId }
  switch (entry.kind) {
    case 'text':
      return { name: entry.mode === 'thinking' ? 'thinking' : 'response', args: [entry.text, at] }
    case 'call': {
      const { callId, name, parameters, response, detail, truncated } = entry
      return { name: 'toolCall', args: [callId, name, parameters, response, { ...at, detail, truncated }] }
    }
    case 'result': {
      const { callId, response, detail, truncated, isError, durationMs, subagent, stats } = entry
      return {
        name: 'toolResult',
        args: [callId, response, { ...at, detail, truncated, isError, durationMs, subagent, stats }],
      }
    }
  }
}

/** The same for an IDE client of the original: a subagent's words come as `agent:*`. */
export function originalEntry(place: Place, placed: Placed): WireEntry {
  const wire = wireEntry(place, placed)
  const at = wire.args.at(-1)
  const { entry } = placed
  const agentId = place.lane
  if (agentId === '') {
    if (entry.kind !== 'result' || (entry.subagent === undefined && entry.stats === undefined)) return wire
    const { callId, response, subagent, stats } = entry
    return { name: 'agent:complete', args: [{ agentId: callId, response, subagent, stats }, at] }
  }
  switch (entry.kind) {
    case 'text':
      return entry.mode === 'thinking'
        ? { name: 'agent:thinking', args: [{ agentId, thinking: entry.text }, at] }
        : { name: 'agent:response', args: [{ agentId, chunk: entry.text }, at] }
    case 'call':
      return {
        name: 'agent:tool-call',
        args: [{ agentId, tool: entry.name, args: entry.parameters, callId: entry.callId }, at],
      }
    case 'result': {
      const { callId, response, isError } = entry
      return {
        name: 'agent:tool-result',
        args: [{ agentId, tool: '', result: response, callId, isError }, at],
      }
    }
  }
}
