/** Time as the drone sees it, so that a test can turn the hands. */
export interface Clock {
  now(): number
  /** Calls back once after `ms`; the answer takes it back. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
