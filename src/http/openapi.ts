import type { z } from 'zod'
import { ERROR_CODES } from '../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../protocol/handshake.ts'
import type { Route, RouteSpec } from './route.ts'
import { inputSchema } from './schemas.ts'
import type { JsonSchema } from './schemas.ts'

const PROBLEM: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: [...ERROR_CODES] },
    retryable: { type: 'boolean' },
    details: {},
  },
}

/** [DO1] What OpenAPI 3.1 says of the routes, made of the very schemas that requests are parsed with. */
export function openApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { spec } of routes) {
    const path = `/api/v1${spec.path.replaceAll(/:(\w+)/g, '{$1}')}`
    paths[path] = { ...paths[path], [spec.method]: operation(spec) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'drone-relay',
      version: String(PROTOCOL_VERSION),
      description:
        'The HTTP side of the relay. Whatever happens live is told over Socket.IO: /asyncapi.json.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: PROBLEM },
    },
  }
}

function operation(spec: RouteSpec): object {
  const { method, path, summary, keys, query, body, status = 200 } = spec
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return {
    operationId: `${method} ${path}`.replaceAll(/[^\w]+/g, '_').replace(/_$/, ''),
    summary,
    description: `With a key of kind ${keys.join(', ')}.`,
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...(query ? queryParameters(query) : []),
    ],
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: {
      [String(status)]: answerOf(spec),
      default: {
        description: 'A problem document (RFC 9457) with the code of the protocol',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function queryParameters(query: z.ZodType): object[] {
  const { properties = {}, required = [] } = inputSchema(query) as {
    properties?: Record<string, JsonSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

function requestBody(body: z.ZodType | 'bytes'): object {
  const content =
    body === 'bytes' ? { '*/*': { schema: {} } } : { 'application/json': { schema: inputSchema(body) } }
  return { required: true, content }
}

function answerOf({ answer, summary }: RouteSpec): object {
  if (answer === undefined) return { description: 'Done' }
  if ('length' in answer)
    return {
      description: summary,
      content: Object.fromEntries(answer.map(({ mediaType }) => [mediaType, { schema: { type: 'string' } }])),
    }
  return { description: summary, content: { 'application/json': { schema: inputSchema(answer) } } }
}
