import { createHash } from 'node:crypto'

/**
 * A key made of names that others chose: they may hold anything and be long, while keys have a limit and separators.
 * 43 characters of A-Z a-z 0-9 - _, the same for the same names in the same order and different for any others.
 */
export function nameHash(...names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('base64url')
}
