import { z } from 'zod'
import { queuedMessage, surfaceView } from './code-up.ts'
import { draining, errorEvent, limits } from './drone-down.ts'
import {
  permissionRequest,
  sessionCompacted,
  surfaceUpdate,
  terminalAt,
  terminalExited,
  terminalOpened,
  terminalResized,
  terminalSnapshot,
  usage,
} from './drone-up.ts'
import { event } from './event.ts'
import type { EventMap } from './event.ts'
import { command } from './handshake.ts'
import { callAt, laneHead, position, resultAt } from './position.ts'
import {
  attachmentView,
  routingView,
  sessionUsageView,
  sessionView,
  steerView,
  turnStatus,
  waitingFor,
} from './turn-view.ts'
import { bytes, count, isoTime, json, name, opt, ownId, text } from './values.ts'

const inSession = { chatSessionId: name }
const versioned = { ...inSession, version: count }
const fromDrone = { droneId: name }
const heard = z.object({ ...inSession, ...fromDrone })

export const DRONE_STATES = ['online', 'busy', 'away', 'gone', 'quarantined'] as const
export type DroneState = (typeof DRONE_STATES)[number]

export const droneView = z.object({
  droneId: name,
  name: text,
  workspaceId: name,
  state: z.enum(DRONE_STATES),
  load: opt(z.number()),
})
export type DroneView = z.infer<typeof droneView>

export const codeWelcome = z.object({
  user: text,
  drones: z.array(droneView),
  sessions: z.array(sessionView),
  nodeId: ownId,
  limits,
})

export const turnStarted = z.object({
  ...versioned,
  turnId: ownId,
  attempt: z.int().min(1),
  messageId: opt(name),
  prompt: text,
  unasked: opt(z.boolean()),
  mentions: opt(z.array(name)),
  attachments: opt(z.array(attachmentView)),
  droneId: opt(name),
  model: opt(name),
  startedAt: opt(isoTime),
})

/** The only word on a turn's end; at an end it carries the final heads. */
export const turnStatusChanged = z.object({
  ...versioned,
  turnId: ownId,
  attempt: z.int().min(1),
  status: turnStatus,
  reason: opt(text),
  waitingFor: opt(waitingFor),
  retryInMs: opt(count),
  expiresInMs: opt(count),
  heads: opt(z.array(laneHead)),
})
export type TurnStatusChanged = z.infer<typeof turnStatusChanged>

export const sessionInfo = z.object({
  ...versioned,
  droneId: opt(name),
  agentName: opt(text),
  provider: opt(name),
  model: opt(name),
  thinkingLevel: opt(name),
  thinkingLevels: opt(z.array(name)),
  agent: opt(name),
  routing: opt(routingView),
  usage: opt(sessionUsageView),
})

/** What a viewer compares with what it holds, to see that it missed even the last word. */
export const headNews = z.object({
  ...versioned,
  turnId: opt(ownId),
  attempt: opt(z.int().min(1)),
  status: opt(turnStatus),
  lanes: z.array(laneHead),
})

const seen = { chatSessionId: name }

/** Everything the relay may say to an IDE client. */
export const codeDown = {
  welcome: event(codeWelcome),
  'commands:manifest': event(z.object({ commands: z.array(command) })),
  catalog: event(z.object({ surfaces: z.array(surfaceView) })),
  'turn:started': event(turnStarted),
  'turn:steered': event(steerView.extend({ ...versioned, turnId: ownId })),
  'turn:status': event(turnStatusChanged),
  thinking: event(text, position.extend(seen)),
  response: event(text, position.extend(seen)),
  toolCall: event(name, text, text, text, callAt.extend(seen)),
  toolResult: event(name, text, resultAt.extend(seen)),
  resumed: event(z.object({ ...inSession, heads: z.array(position) })),
  head: event(headNews),
  usage: event(usage.extend(inSession)),
  status: event(text, heard),
  log: event(opt(json), opt(text), opt(text), text, opt(json), heard),
  workspaceModeChanged: event(text, heard),
  'session:info': event(sessionInfo),
  'queue:changed': event(z.object({ ...versioned, queue: z.array(queuedMessage) })),
  'permission:request': event(permissionRequest.extend({ ...versioned, ...fromDrone })),
  'permission:resolved': event(
    z.object({ ...versioned, ...fromDrone, requestId: name, optionId: name.nullable(), by: opt(text) }),
  ),
  'drone:changed': event(droneView),
  'session:opened': event(z.object({ ...inSession, session: opt(sessionView) })),
  'session:statusChanged': event(
    z.object({ ...inSession, status: sessionView.shape.status, waitingFor: opt(waitingFor) }),
  ),
  'session:compacted': event(sessionCompacted.extend(versioned)),
  'surface:update': event(surfaceUpdate.extend({ droneId: opt(name) })),
  'command:result': event(
    z.object({ ...inSession, requestId: name, command: name, result: opt(json), by: opt(text) }),
  ),
  'terminal:opened': event(terminalOpened.extend(fromDrone)),
  'terminal:data': event(terminalAt.extend(fromDrone), bytes),
  'terminal:resized': event(terminalResized.extend(fromDrone)),
  'terminal:snapshot': event(terminalSnapshot.extend(fromDrone)),
  'terminal:exited': event(terminalExited.extend({ ...fromDrone, offset: count })),
  'system:reload': event(z.object({ what: opt(z.array(text)) })),
  draining: event(draining),
  error: event(errorEvent),
  // What an IDE client of the original hears instead of, or after, the above.
  'agent:thinking': event(z.object({ agentId: name, thinking: text }), position.extend(seen)),
  'agent:response': event(z.object({ agentId: name, chunk: text }), position.extend(seen)),
  'agent:tool-call': event(
    z.object({ agentId: name, tool: text, args: text, callId: name }),
    callAt.extend(seen),
  ),
  'agent:tool-result': event(
    z.object({ agentId: name, tool: text, result: text, callId: name, isError: opt(z.boolean()) }),
    resultAt.extend(seen),
  ),
  'agent:complete': event(
    z.object({ agentId: name, response: text, subagent: opt(json), stats: opt(json) }),
    resultAt.extend(seen),
  ),
  workOrderComplete: event(ownId, z.boolean(), opt(text)),
}
export type CodeDown = EventMap<typeof codeDown>
