import type { Limits } from '../../src/protocol/drone-down.ts'
import type { LifePolicy } from '../../src/turns/lifecycle.ts'

/** Everything is small here, so that short histories come to every limit. */

export const USER = 'ann'
export const CHAT = 'chat'
export const WORKSPACE = 'workspace'

export const LIMITS: Limits = { textUnits: 7, toolBytes: 1000, eventBytes: 100_000, windowBytes: 600 }

export const LIFE: LifePolicy = { maxAttempts: 3, retryPolicy: 'always' }

export const SIZES = {
  turns: {
    bounds: { partBytes: 300, maxUnstoredBytes: 2 * LIMITS.windowBytes },
    checkpointMs: 200,
    checkpointBytes: 800,
  },
  followers: { mergeMs: 10, viewerBufferBytes: 600 },
  joinEveryMs: 1000,
}

export const DRONE_WAITS = {
  graceMs: 10_000,
  heartbeatIntervalMs: 5000,
  // Real timers: each is cleared with its connection, and none may fire.
  dispatchAckMs: 2_000_000_000,
  terminationMs: 2_000_000_000,
  frozenMs: 2_000_000_000,
}

export const RELAY_WAITS = {
  retryFirstMs: 500,
  retryLongestMs: 2000,
  queuedMs: 60_000,
  askMs: 60_000,
}

export const PEER_WAITS = {
  /** Before a peer connects again. */
  reconnectMs: 500,
  /** How long an answer may take before the question is asked again. */
  answerMs: 10_000,
  /** Before a completion that was not taken is tried again. */
  completeAgainMs: 200,
  rejoinMs: 1000,
  /** Before what is asked for again and again is sent again. */
  againMs: 100,
}
