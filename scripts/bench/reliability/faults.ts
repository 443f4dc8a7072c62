import type { BenchOptions, FaultScenario } from '../options.ts'
import { acks } from './acks.ts'
import { deadDrones } from './dead-drone.ts'
import { frozen } from './frozen.ts'
import type { Measured } from './ground.ts'
import { rejoins } from './rejoins.ts'
import { restart } from './restart.ts'
import { stalls } from './stalls.ts'
import { storeAway } from './store-away.ts'

/** How the relay fares when something goes wrong: real processes over real sockets. */
export function faults(options: BenchOptions, scenario: FaultScenario): Promise<Measured> {
  switch (scenario) {
    case 'acks':
      return acks(options)
    case 'restart':
      return restart(options)
    case 'frozen':
      return frozen(options)
    case 'store-away':
      return storeAway(options)
    case 'dead-drone':
      return deadDrones(options)
    case 'stalls':
      return stalls(options)
    case 'rejoins':
      return rejoins(options)
  }
}
