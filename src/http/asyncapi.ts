import { codeDown } from '../protocol/code-down.ts'
import { codeUp } from '../protocol/code-up.ts'
import { droneDown } from '../protocol/drone-down.ts'
import { droneUp } from '../protocol/drone-up.ts'
import type { EventSpec } from '../protocol/event.ts'
import { PROTOCOL_VERSION } from '../protocol/handshake.ts'
import { opsDown, opsUp } from '../protocol/ops.ts'
import { inputSchema } from './schemas.ts'
import type { JsonSchema } from './schemas.ts'

interface Namespace {
  readonly id: string
  readonly about: string
  /** What the relay takes, and what it says. */
  readonly up: Readonly<Record<string, EventSpec>>
  readonly down: Readonly<Record<string, EventSpec>>
}

const NAMESPACES: readonly Namespace[] = [
  { id: 'drone', about: 'Worker processes that run agents', up: droneUp, down: droneDown },
  { id: 'code', about: 'IDE clients', up: codeUp, down: codeDown },
  { id: 'ops', about: 'Operators', up: opsUp, down: opsDown },
]

/** [DO2] What AsyncAPI 3 says of the events, made of the very tables that both sides parse and type with. */
export function asyncApi(): object {
  const channels: Record<string, object> = {}
  const operations: Record<string, object> = {}
  for (const { id, about, up, down } of NAMESPACES) {
    const messages: Record<string, object> = {}
    for (const [direction, table] of [
      ['up', up],
      ['down', down],
    ] as const) {
      for (const [name, spec] of Object.entries(table)) messages[keyOf(direction, name)] = message(name, spec)
      const refs = Object.keys(table).map((name) => ({
        $ref: `#/channels/${id}/messages/${keyOf(direction, name)}`,
      }))
      const what = direction === 'up' ? 'The relay takes' : 'The relay says'
      operations[`${id}.${direction}`] = {
        action: direction === 'up' ? 'receive' : 'send',
        channel: { $ref: `#/channels/${id}` },
        summary: `${what}, in the namespace /${id}`,
        messages: refs,
      }
    }
    channels[id] = { address: `/${id}`, description: `${about}: a namespace of Socket.IO 4`, messages }
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'drone-relay',
      version: String(PROTOCOL_VERSION),
      description:
        'Socket.IO events. A payload is the list of an event’s arguments, without its acknowledgement; what an ' +
        'acknowledgement answers, beside `ok` or an error, is in `x-answer`. docs/protocol.md has the rules.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels,
    operations,
  }
}

/** The characters that a key of AsyncAPI takes; an event may have the same name in both directions. */
function keyOf(direction: string, name: string): string {
  return `${direction}.${name.replaceAll(':', '.')}`
}

function message(name: string, { args, answer }: EventSpec): object {
  return {
    name,
    title: name,
    payload: inputSchema(args),
    ...(answer === 'none' ? {} : { 'x-answer': answerOf(answer) }),
  }
}

function answerOf(answer: Exclude<EventSpec['answer'], 'none'>): JsonSchema {
  return answer === 'boolean' ? { type: 'boolean' } : inputSchema(answer)
}
