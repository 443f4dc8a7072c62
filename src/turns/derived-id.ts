import { createHash } from 'node:crypto'

/**
 * An id made of names: 22 characters `[A-Za-z0-9_-]`, the same for the same names in the same order and, but for a
 * chance of 2^-131, different for any others. It never begins with `-`: a shell command would take that for an option.
 */
export function derivedId(...names: readonly string[]): string {
  const id = createHash('sha256').update(JSON.stringify(names)).digest('base64url').slice(0, 22)
  return id.startsWith('-') ? `_${id.slice(1)}` : id
}
