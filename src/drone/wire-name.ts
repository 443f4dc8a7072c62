import { createHash } from 'node:crypto'
import { name } from '../protocol/values.ts'

/** The agent's own name for something, or, where the wire does not take it, a name made of it: the same each time. */
export function wireName(text: string): string {
  return name.safeParse(text).success ? text : createHash('sha256').update(text).digest('hex')
}
