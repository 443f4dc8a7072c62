import { z } from 'zod'

/** Every code that a refusal, an answer or the event `error` can carry, and what to do about it. */
export const ERROR_CODES = [
  // handshake
  'unauthorized',
  'forbidden',
  'unsupported_protocol',
  'invalid_payload',
  'origin_not_allowed',
  'draining',
  'too_many_connections',
  'superseded',
  'terminated',
  'store_unavailable',
  // afterwards
  'not_found',
  'turn_in_progress',
  'drone_offline',
  'drone_busy',
  'gap',
  'fenced',
  'rate_limited',
  'payload_too_large',
  'timeout',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** Codes after which the same request may succeed later without being changed. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'draining',
  'too_many_connections',
  'store_unavailable',
  'turn_in_progress',
  'drone_offline',
  'drone_busy',
  'gap',
  'rate_limited',
  'timeout',
])

/** As the last `error` before a disconnect, these mean: do not connect again. */
export const FINAL_DISCONNECTS: ReadonlySet<string> = new Set<ErrorCode>([
  'superseded',
  'terminated',
  'unauthorized',
  'unsupported_protocol',
])

export const wireError = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.number().optional(),
  details: z.unknown().optional(),
})
export type WireError = z.infer<typeof wireError>

interface RelayErrorOptions {
  cause?: unknown
  details?: unknown
  retryAfterMs?: number
  /** How loudly the relay logs it; a peer's mistake is not the operator's emergency. */
  level?: 'debug' | 'info' | 'warn' | 'error'
}

/** A refusal with a code: what `{ ok: false, error }`, a `connect_error` and a problem document are made from. */
export class RelayError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly details: unknown
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: RelayErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'RelayError'
    this.code = code
    this.retryable = RETRYABLE.has(code)
    this.level = options.level ?? (code === 'internal' ? 'error' : 'info')
    this.details = options.details
    this.retryAfterMs = options.retryAfterMs
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }
}

/** What any thrown thing looks like to a peer: a RelayError as it is, anything else as `internal` without its words. */
export function toRelayError(error: unknown): RelayError {
  if (error instanceof RelayError) return error
  return new RelayError('internal', 'The relay could not do this; its log has the reason.', { cause: error })
}
