import type { Limits } from '../protocol/drone-down.ts'
import { RelayError } from '../protocol/errors.ts'
import type { CallAt, ResultAt } from '../protocol/position.ts'
import type { CallEntry, Mode, ResultEntry, TextEntry } from '../turns/entry.ts'

export function textEntry(mode: Mode, text: string, createdAt: number): TextEntry {
  return { kind: 'text', mode, text, createdAt }
}

/** A tool call as the event said it; refused with `payload_too_large` where it carries more than it may. */
export function callEntry(
  call: { callId: string; name: string; parameters: string; response: string; at: CallAt | undefined },
  limits: Limits,
  createdAt: number,
): CallEntry {
  const { callId, name, parameters, response, at } = call
  const { detail, truncated } = at ?? {}
  checkToolBytes(limits, parameters + response, detail)
  return {
    kind: 'call',
    callId,
    name,
    parameters,
    response,
    ...(detail ? { detail } : {}),
    ...(truncated ? { truncated } : {}),
    createdAt,
  }
}

/** The result of a call, alike. */
export function resultEntry(
  callId: string,
  response: string,
  at: ResultAt | undefined,
  limits: Limits,
  createdAt: number,
): ResultEntry {
  const { detail, truncated, isError, durationMs, subagent, stats } = at ?? {}
  checkToolBytes(limits, response, detail)
  return {
    kind: 'result',
    callId,
    response,
    ...(isError === undefined ? {} : { isError }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(detail ? { detail } : {}),
    ...(truncated ? { truncated } : {}),
    ...(subagent === undefined ? {} : { subagent }),
    ...(stats === undefined ? {} : { stats }),
    createdAt,
  }
}

function checkToolBytes({ toolBytes }: Limits, strings: string, detail: object | undefined): void {
  const size = Buffer.byteLength(strings) + (detail ? Buffer.byteLength(JSON.stringify(detail)) : 0)
  if (size <= toolBytes) return
  throw new RelayError(
    'payload_too_large',
    `A tool entry may have ${toolBytes} bytes; this one has ${size}. Cut it.`,
  )
}
