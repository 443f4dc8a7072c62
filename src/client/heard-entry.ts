import type { CallAt, Position, ResultAt } from '../protocol/position.ts'
import type { Entry } from '../turns/entry.ts'

/** An entry as it came over the wire, and where it goes. */
export interface HeardEntry {
  readonly at: Position & { readonly chatSessionId: string }
  readonly entry: Entry
}

type ViewerAt<At> = At & { readonly chatSessionId: string }

/** The events that carry entries; relays and viewers of later versions may know more. */
export const ENTRY_EVENTS = ['thinking', 'response', 'toolCall', 'toolResult'] as const
export type EntryEvent = (typeof ENTRY_EVENTS)[number]

/** The entry in an event's arguments. A viewer trusts its relay: this only puts names to positions. */
export function heardEntry(name: EntryEvent, args: readonly unknown[]): HeardEntry {
  const createdAt = Date.now()
  switch (name) {
    case 'thinking':
    case 'response': {
      const [text, at] = args as [string, ViewerAt<Position>]
      return {
        at,
        entry: { kind: 'text', mode: name === 'thinking' ? 'thinking' : 'responding', text, createdAt },
      }
    }
    case 'toolCall': {
      const [callId, tool, parameters, response, at] = args as [
        string,
        string,
        string,
        string,
        ViewerAt<CallAt>,
      ]
      const { detail, truncated } = at
      const more = { ...(detail ? { detail } : {}), ...(truncated ? { truncated } : {}) }
      return { at, entry: { kind: 'call', callId, name: tool, parameters, response, ...more, createdAt } }
    }
    case 'toolResult': {
      const [callId, response, at] = args as [string, string, ViewerAt<ResultAt>]
      const { detail, truncated, isError, durationMs, subagent, stats } = at
      const more = {
        ...(detail ? { detail } : {}),
        ...(truncated ? { truncated } : {}),
        ...(isError === undefined ? {} : { isError }),
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(subagent === undefined ? {} : { subagent }),
        ...(stats === undefined ? {} : { stats }),
      }
      return { at, entry: { kind: 'result', callId, response, ...more, createdAt } }
    }
  }
}
