/** The wire contract for whoever writes a peer of their own: `drone-relay/protocol`. */
export { codeDown } from './code-down.ts'
export type { CodeDown, DroneState, DroneView, TurnStatusChanged } from './code-down.ts'
export { codeUp } from './code-up.ts'
export type { ChatSend, CodeUp, Cursor, JoinAnswer } from './code-up.ts'
export { droneDown } from './drone-down.ts'
export type { DroneDown, DroneWelcome, Limits, WorkOrder } from './drone-down.ts'
export { droneUp } from './drone-up.ts'
export type { DroneUp, PermissionRequest, Usage } from './drone-up.ts'
export { ERROR_CODES, FINAL_DISCONNECTS, RelayError } from './errors.ts'
export type { ErrorCode, WireError } from './errors.ts'
export type { Answer, EventSpec } from './event.ts'
export { PROTOCOL_VERSION, codeAuth, droneAuth } from './handshake.ts'
export type { Manifest, Registration } from './handshake.ts'
export { opsDown, opsUp } from './ops.ts'
export type { Fleet, FleetDrone, OpsDown, OpsUp } from './ops.ts'
export type { LaneHead, Position, ToolDetail } from './position.ts'
export { TURN_STATUSES, isEnd } from './turn-view.ts'
export type {
  BlockView,
  ResumePoint,
  SessionView,
  ToolCallView,
  TurnStatus,
  TurnSummary,
  TurnView,
} from './turn-view.ts'
export type { Json } from './values.ts'
