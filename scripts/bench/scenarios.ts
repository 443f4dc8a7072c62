import { blocks } from './blocks.ts'
import { curve } from './curve.ts'
import { idle } from './idle.ts'
import type { BenchOptions, LoneScenario } from './options.ts'
import { acks } from './reliability/acks.ts'
import { deadDrones } from './reliability/dead-drone.ts'
import { frozen } from './reliability/frozen.ts'
import type { Measured } from './reliability/ground.ts'
import { rejoins } from './reliability/rejoins.ts'
import { restart } from './reliability/restart.ts'
import { stalls } from './reliability/stalls.ts'
import { storeAway } from './reliability/store-away.ts'
import { searches } from './search.ts'
import { terminals } from './terminals.ts'
import { starts } from './start.ts'

/** The scenarios that start their own relays. */
export const LONE: Readonly<Record<LoneScenario, (options: BenchOptions) => Promise<Measured>>> = {
  curve,
  idle,
  start: starts,
  blocks,
  acks,
  restart,
  frozen,
  'store-away': storeAway,
  'dead-drone': deadDrones,
  stalls,
  rejoins,
  search: searches,
  terminals,
}
