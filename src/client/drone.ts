/** What an agent's author embeds: `drone-relay/drone`. */
export { DroneClient } from './drone-client.ts'
export type { DroneClientOptions } from './drone-client.ts'
export { FinalRefusal } from './connection.ts'
export type {
  Choice,
  InLane,
  Question,
  Steer,
  SteerListener,
  ToolCallWords,
  ToolResultWords,
  Work,
  WorkHandler,
} from './work.ts'
