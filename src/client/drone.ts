/** What an agent's author embeds: `drone-relay/drone`. */
export { DroneClient } from './drone-client.ts'
export type { DroneClientOptions } from './drone-client.ts'
export type { DroneCommand, ShownSurface, SurfaceAction } from './drone-requests.ts'
export type { DroneTerminal, ShownTerminal } from './drone-terminal.ts'
export type { OpenTerminal, TerminalRequest } from './drone-terminals.ts'
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
