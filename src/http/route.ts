import type { Request, RequestHandler, Response, Router } from 'express'
import type { z } from 'zod'
import type { Access } from '../sessions/access.ts'
import type { Identity } from '../sessions/socket-session.ts'
import type { KeyKind } from '../turns/turn-store.ts'
import { identified, parse } from './request.ts'

export type Method = 'get' | 'post' | 'patch' | 'delete'

/** What an answer is, where it is no JSON of a schema. */
export interface OtherAnswer {
  readonly mediaType: string
  readonly description: string
}

/** One route of `/api/v1`: what `/openapi.json` says of it, and what is asked of a request before its handler has it. */
export interface RouteSpec<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  readonly method: Method
  /** As express has it: `/turns/:id`. */
  readonly path: string
  readonly summary: string
  readonly keys: readonly KeyKind[]
  readonly query?: Query
  readonly body?: Body | 'bytes'
  readonly status?: number
  readonly answer?: z.ZodType | readonly OtherAnswer[]
}

export interface Call<Query, Body> {
  readonly identity: Identity
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  readonly request: Request
  readonly response: Response
}

/** A route and what it does: what its handler gives back is the answer; nothing where it has answered itself. */
export interface Route {
  readonly spec: RouteSpec
  readonly handle: (call: Call<never, never>) => Promise<object | undefined>
}

export function route<Query extends z.ZodType, Body extends z.ZodType>(
  spec: RouteSpec<Query, Body>,
  handle: (call: Call<z.output<Query>, z.output<Body>>) => Promise<object | undefined>,
): Route {
  return { spec, handle }
}

/** `raw` reads a body as bytes. */
export function mount(
  router: Router,
  routes: readonly Route[],
  { access, raw }: { access: Access; raw: RequestHandler },
): void {
  const nothing: RequestHandler = (_request, _response, next) => next()
  for (const { spec, handle } of routes) {
    const { method, path, keys, query, body, status = 200 } = spec
    router[method](path, body === 'bytes' ? raw : nothing, async (request: Request, response: Response) => {
      const identity = await identified(access, request, keys)
      const answer = await handle({
        identity,
        params: request.params,
        query: (query ? parse(query, request.query) : {}) as never,
        body: (body === undefined || body === 'bytes'
          ? request.body
          : parse(body, request.body ?? {})) as never,
        request,
        response,
      } as Call<never, never>)
      if (answer) response.status(status).json(answer)
      else if (!response.headersSent && !response.writableEnded) response.status(204).end()
    })
  }
}
