/**
 * The same value with every lone surrogate replaced by U+FFFD, and the very same object where there is none.
 * UTF-8 has no lone surrogates: msgpack would join one with its neighbour, and a text would come back shorter.
 */
export function wellFormed<T>(value: T): T {
  return repaired(value) as T
}

function repaired(value: unknown): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed()
  if (Array.isArray(value)) {
    const items = value.map(repaired)
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const changed = entries.map(([key, item]) => [key.toWellFormed(), repaired(item)] as const)
  const same = changed.every(
    ([key, item], index) => key === entries[index]?.[0] && item === entries[index][1],
  )
  return same ? value : Object.fromEntries(changed)
}
