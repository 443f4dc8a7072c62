/** Time as the relay sees it; injected, so that tests decide when it passes. */
export interface Clock {
  /** Epoch ms, for people to read: no decision depends on it. */
  now(): number
  /** Monotonic ms: what decisions compare. */
  ticks(): number
  /** Runs `task` once after `ms`; the answer cancels it. */
  after(ms: number, task: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
}
