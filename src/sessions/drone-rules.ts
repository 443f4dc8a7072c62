import type { droneUp } from '../protocol/drone-up.ts'
import type { Rules } from './socket-session.ts'

const DRONE = { allow: ['drone'] } as const

/** Who may say what of a drone's events: a new one does not compile before it has its line here. */
export const DRONE_RULES: Rules<typeof droneUp> = {
  heartbeat: DRONE,
  status: DRONE,
  log: DRONE,
  workspaceModeChanged: DRONE,
  thinking: DRONE,
  response: DRONE,
  toolCall: DRONE,
  toolResult: DRONE,
  usage: DRONE,
  workOrderComplete: DRONE,
  requestCrashRecovery: DRONE,
  'permission:request': DRONE,
  manifest: DRONE,
  agentSession: DRONE,
  'session:compacted': DRONE,
  say: DRONE,
  'surface:update': DRONE,
  'terminal:opened': DRONE,
  'terminal:data': DRONE,
  'terminal:resized': DRONE,
  'terminal:snapshot': DRONE,
  'terminal:exited': DRONE,
  'agent:thinking': DRONE,
  'agent:response': DRONE,
  'agent:tool-call': DRONE,
  'agent:tool-result': DRONE,
  'agent:complete': DRONE,
}
