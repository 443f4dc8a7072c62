export interface BackoffOptions {
  readonly firstMs: number
  readonly longestMs: number
  readonly random: () => number
}

/** The wait before try `attempt` (from 1): doubling, with half of it left to chance so that peers do not come together. */
export function backoffMs(attempt: number, { firstMs, longestMs, random }: BackoffOptions): number {
  const full = Math.min(firstMs * 2 ** (attempt - 1), longestMs)
  return Math.round(full / 2 + (full / 2) * random())
}
