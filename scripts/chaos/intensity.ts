import type { ChaosOptions } from './options.ts'
import type { Pace } from './script.ts'

/** How the relay of a run is set: quicker than by default, so that much can happen in a minute. */
export const GRACE_MS = 6000
/** Larger than any turn's number of faults: a turn that is given up says nothing about its words. */
const MAX_ATTEMPTS = 8

/** How hard and how often: the mean pauses between faults of each kind, ms. */
export interface Intensity {
  readonly relayMs: number
  readonly droneMs: number
  readonly linkMs: number
  readonly viewerMs: number
  readonly databaseMs: number
  /** Comings to a failpoint before a kill strikes there, at most, and how long a relay may take to come so often. */
  readonly mostHits: number
  readonly armedMs: number
  /** Shares of entries lost and repeated between a drone's socket and its turn. */
  readonly dropped: number
  readonly repeated: number
  /** Links to drones are only cut: no other fault of theirs could explain a lost attempt. */
  readonly onlyCuts: boolean
  /** Relays are only ever replaced while they are frozen. */
  readonly onlyUsurped: boolean
  readonly pace: Pace
  readonly pauseMs: number
}

/** Longer than any run, and three times that is less than a timer takes. */
const NEVER_MS = 1e8

const LMDB: Intensity = {
  relayMs: 1800,
  droneMs: 4000,
  linkMs: 2500,
  viewerMs: 3000,
  databaseMs: NEVER_MS,
  mostHits: 15,
  armedMs: 4000,
  dropped: 0.003,
  repeated: 0.003,
  onlyCuts: false,
  onlyUsurped: false,
  pace: { shortestMs: 1000, longestMs: 12_000, pauseMs: 45 },
  pauseMs: 500,
}

/** A relay and its database take longer to be back there, and who never comes to work proves nothing: less of all. */
const MONGO: Intensity = {
  ...LMDB,
  relayMs: 5000,
  droneMs: 15_000,
  linkMs: 6000,
  databaseMs: 25_000,
  // Its commits are few: as many comings as an embedded store has in a second would be waited for in vain.
  mostHits: 4,
  armedMs: 12_000,
  pace: { shortestMs: 1000, longestMs: 8000, pauseMs: 80 },
  pauseMs: 500,
}

export function intensityOf({ store, control }: ChaosOptions): Intensity {
  const usual = store === 'mongo' ? MONGO : LMDB
  switch (control) {
    case undefined:
      return usual
    case 'ack-before-commit':
      return { ...usual, relayMs: 1500 }
    case 'no-dedup':
      return { ...usual, linkMs: 800, onlyCuts: true, repeated: 0.01 }
    case 'no-gap-check':
      return { ...usual, dropped: 0.02 }
    case 'no-fencing':
      return { ...usual, relayMs: 2000, databaseMs: NEVER_MS, onlyUsurped: true }
    case 'no-grace':
      return { ...usual, linkMs: 1000, onlyCuts: true }
  }
}

export function relayEnv(options: ChaosOptions, { dropped, repeated }: Intensity): Record<string, string> {
  const { control } = options
  return {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'info',
    GRACE_MS: control === 'no-grace' ? '1' : String(GRACE_MS),
    HEARTBEAT_INTERVAL_MS: '1000',
    PING_INTERVAL_MS: '1500',
    PING_TIMEOUT_MS: '1500',
    DISPATCH_ACK_MS: '4000',
    MAX_ATTEMPTS: String(MAX_ATTEMPTS),
    RETRY_FIRST_MS: '200',
    RETRY_LONGEST_MS: '2000',
    // Small, so that parts are closed, windows fill up and viewers fall behind in turns that take seconds.
    PART_BYTES: '2048',
    WINDOW_BYTES: '131072',
    VIEWER_BUFFER_BYTES: '65536',
    // Nobody is there to say yes, and every drone of a run is killed many times.
    RETRY_POLICY: 'always',
    QUARANTINE_AFTER: '1000',
    CHAOS_FAILPOINTS: '1',
    CHAOS_DROPPED: String(dropped),
    CHAOS_REPEATED: String(repeated),
    ...(control === undefined ? {} : { CHAOS_CONTROL: control }),
  }
}
