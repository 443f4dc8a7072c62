import type { ErrorRequestHandler, Response } from 'express'
import { RelayError, toRelayError } from '../protocol/errors.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { Logger } from '../sessions/socket-session.ts'

const STATUS: Record<ErrorCode, number> = {
  unauthorized: 401,
  forbidden: 403,
  unsupported_protocol: 400,
  invalid_payload: 400,
  origin_not_allowed: 403,
  draining: 503,
  too_many_connections: 503,
  superseded: 409,
  terminated: 410,
  store_unavailable: 503,
  not_found: 404,
  turn_in_progress: 409,
  drone_offline: 409,
  drone_busy: 409,
  gap: 409,
  fenced: 409,
  rate_limited: 429,
  payload_too_large: 413,
  timeout: 504,
  internal: 500,
}

/** An error as a problem document (RFC 9457) with the code of the wire. */
export function sendProblem(response: Response, error: RelayError): void {
  const { code, message, retryable, retryAfterMs, details } = error.toWire()
  if (retryAfterMs !== undefined) response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1000))
  response
    .status(STATUS[code])
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: code,
        status: STATUS[code],
        detail: message,
        code,
        retryable,
        details,
      }),
    )
}

/** Whatever a route throws becomes a problem document; express's own errors (a bad body, say) have their status. */
export function problems(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error)
      return
    }
    const refusal = fromExpress(error) ?? toRelayError(error)
    if (refusal.level === 'error')
      logger.error('A request failed.', { path: request.path, error: refusal.cause })
    sendProblem(response, refusal)
  }
}

function fromExpress(error: unknown): RelayError | undefined {
  const status = (error as { status?: unknown } | null)?.status
  if (typeof status !== 'number' || status < 400 || status >= 500 || error instanceof RelayError)
    return undefined
  const message = error instanceof Error ? error.message : 'The request is not right.'
  return new RelayError(status === 413 ? 'payload_too_large' : 'invalid_payload', message)
}
