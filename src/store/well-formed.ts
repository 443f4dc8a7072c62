/**
 * The same value with every lone surrogate replaced by U+FFFD, and the very same object where there is none.
 * UTF-8 has no lone surrogates: msgpack would join one with its neighbour, and a text would come back shorter.
 */
export function wellFormed<T>(value: T): T {
  return (isWellFormed(value) ? value : repaired(value)) as T
}

/** Looks before anything is copied: nearly everything is. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isWellFormed)
  for (const key in value) {
    if (!key.isWellFormed() || !isWellFormed((value as Record<string, unknown>)[key])) return false
  }
  return true
}

function repaired(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]),
  )
}
