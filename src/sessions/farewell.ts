import type { Server } from 'socket.io'
import type { Clock } from '../turns/clock.ts'
import { inTime } from '../turns/in-time.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import type { Connections } from './connections.ts'
import { DroneSession } from './drone-session.ts'
import type { Logger } from './socket-session.ts'

export interface Leaving {
  readonly io: Server
  readonly connections: Connections
  readonly turns: LiveTurns
  /** What acts by itself: none of it begins anything new. */
  readonly actors: readonly { close(): void }[]
  /** What only tells: it is still there while the last words are stored. */
  readonly tellers: readonly { close(): void }[]
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** ms that all of it may take. */
  readonly stopMs: number
}

/** A stop that loses nothing: everybody is told, what was said is stored, then the connections are closed. */
export async function sayFarewell(leaving: Leaving): Promise<void> {
  const { io, connections, turns, actors, tellers, clock, random, logger, stopMs } = leaving
  for (const session of connections.all()) {
    const outlet = session.outlet as DroneSession['outlet']
    outlet.emit('draining', { retryAfterMs: Math.round(500 + 1000 * random()) })
    // What was read will be stored; what was not, a drone still has.
    if (session instanceof DroneSession) outlet.setReading('stopping', false)
  }
  for (const actor of actors) actor.close()
  if (!(await inTime(clock, stopMs / 2, turns.settle()))) {
    logger.warn('Not everything could be stored before the stop: the drones have it still.')
  }
  turns.close()
  for (const teller of tellers) teller.close()
  for (const session of connections.all()) if (session instanceof DroneSession) session.outlet.leaveNow()
  // A peer that does not take its farewell must not keep the relay from stopping.
  if (!(await inTime(clock, stopMs / 4, io.close()))) {
    for (const session of connections.all()) session.outlet.terminate()
  }
}
