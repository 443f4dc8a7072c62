import type { Request } from 'express'
import { z } from 'zod'
import { RelayError } from '../protocol/errors.ts'
import type { Access } from '../sessions/access.ts'
import type { Identity } from '../sessions/socket-session.ts'
import type { KeyKind } from '../turns/turn-store.ts'

const PAGE_DEFAULT = 50
const PAGE_MOST = 200

/** Which page of a list is asked for. */
export const page = z
  .object({
    after: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_MOST).default(PAGE_DEFAULT),
  })
  .transform(({ after, limit }) => ({ limit, ...(after === undefined ? {} : { after }) }))

/** Who may see what is a user's: with `code` also change it. */
export const USERS: readonly KeyKind[] = ['code', 'watch']

/** Who asks, if it is one of these kinds; refused otherwise. */
export function identified(access: Access, request: Request, kinds: readonly KeyKind[]): Promise<Identity> {
  const key = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return access.identify(key, kinds)
}

/** What was sent, as the schema has it; refused with the first thing that is wrong. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new RelayError('invalid_payload', `${issue?.message ?? 'invalid'} at ${issue?.path.join('.') ?? ''}`)
}
