import { isLaneName, isOwnId } from './values.ts'

/**
 * Whether these are the arguments of a `thinking` or `response` at its place just as the schema gives them back: nearly
 * all events are, and the schema takes longer over one than everything else that is done with it. False says nothing:
 * the schema decides then, and has the words for what is wrong.
 */
export function isPlacedText(args: readonly unknown[]): boolean {
  return args.length === 2 && typeof args[0] === 'string' && isPosition(args[1])
}

function isPosition(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  let fields = 0
  for (const field in value) {
    if (!Object.hasOwn(value, field)) return false
    fields += 1
  }
  const { turnId, attempt, lane, offset } = value as Record<string, unknown>
  // No other field than these: the schema drops what it does not know.
  if (fields !== ('lane' in value ? 4 : 3)) return false
  return (
    isOwnId(turnId) &&
    isWhole(attempt, 1) &&
    isWhole(offset, 0) &&
    (!('lane' in value) || lane === '' || isLaneName(lane))
  )
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least
}
