import { readFileSync } from 'node:fs'

const PAGE = new URL('../../docs/protocol.md', import.meta.url)

/** An event's name: words in camel case, or two of them around a colon. */
const EVENT = /^[a-z][A-Za-z]*(?:[:-][a-zA-Z-]+)*$/

export function page(): string {
  return readFileSync(PAGE, 'utf8')
}

/** What stands between a heading or paragraph start and the next. */
export function section(text: string, from: string, to: string): string {
  const start = text.indexOf(from)
  const end = text.indexOf(to, start + from.length)
  if (start < 0 || end < 0) throw new Error(`docs/protocol.md has no "${from}" followed by "${to}"`)
  return text.slice(start + from.length, end)
}

function backticked(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
}

/** The events that the first column of a table names. */
export function ofTable(text: string): string[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => backticked(row.split('|')[1] ?? '')).filter((word) => EVENT.test(word))
}

/** The events that running text names with their payload or in a list: what is no field of a payload. */
export function ofProse(text: string): Set<string> {
  return new Set(backticked(text).filter((word) => EVENT.test(word)))
}
