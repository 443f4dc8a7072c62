import type { CallEntry } from './entry.ts'

/** The kinds of tools, by the Agent Client Protocol, that leave everything as it was. */
const HARMLESS: ReadonlySet<string> = new Set(['read', 'search', 'think', 'fetch', 'switch_mode'])

/** Whether doing this call again might do something twice. A call of unknown kind might. */
export function hasSideEffects({ detail }: CallEntry): boolean {
  return detail?.kind === undefined || !HARMLESS.has(detail.kind)
}
