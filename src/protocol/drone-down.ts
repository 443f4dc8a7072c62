import { z } from 'zod'
import { wireError } from './errors.ts'
import { asks, event, nothing } from './event.ts'
import type { EventMap } from './event.ts'
import { laneHead, position } from './position.ts'
import { steerTaken } from './turn-view.ts'
import { bytes, count, isoTime, json, name, opt, ownId, size, text } from './values.ts'

/** What one side may send, told in `welcome`; see docs/protocol.md, "Limits". */
export const limits = z.object({
  /** UTF-16 units in one text entry. */
  textUnits: count,
  /** UTF-8 bytes of `params`, `response` and `detail` together. */
  toolBytes: count,
  /** Bytes of one packet. */
  eventBytes: count,
  /** Bytes of each terminal that are kept besides its last snapshot. */
  terminalRingBytes: opt(count),
  /** Bytes a drone may have said that no checkpoint covers. */
  windowBytes: count,
})
export type Limits = z.infer<typeof limits>

export const attachment = z.object({ name, mediaType: name, base64: text })
export const historyMessage = z.object({
  role: z.enum(['user', 'assistant']),
  content: text,
  createdAt: isoTime,
})

/** One turn's work, as a drone gets it. */
export const workOrder = z.object({
  turnId: ownId,
  attempt: z.int().min(1),
  chatSessionId: name,
  workspaceId: name,
  prompt: text,
  attachments: opt(z.array(attachment)),
  history: z.array(historyMessage),
  /** There is more of the conversation than the history has room for: the oldest is left out. */
  historyCut: opt(z.boolean()),
  steers: opt(z.array(z.object({ messageId: name, text }))),
  /** What failed attempts had done, oldest first. */
  earlier: opt(
    z.array(
      z.object({
        attempt: z.int().min(1),
        reason: text,
        toolCalls: z.array(z.object({ name: text, title: opt(text) })),
      }),
    ),
  ),
  agent: opt(name),
  model: opt(name),
  provider: opt(name),
  thinkingLevel: opt(name),
  cwd: opt(text),
  agentSessionId: opt(name),
  trace: opt(text),
})
export type WorkOrder = z.infer<typeof workOrder>

export const droneWelcome = z.object({
  registrationId: ownId,
  droneId: name,
  nodeId: ownId,
  heartbeatIntervalMs: count,
  limits,
  online: z.array(name),
  turns: z.array(
    z.object({
      turnId: ownId,
      attempt: z.int().min(1),
      acknowledged: z.boolean(),
      lanes: z.array(laneHead),
    }),
  ),
  terminals: z.array(z.object({ terminalId: name, offset: count })),
})
export type DroneWelcome = z.infer<typeof droneWelcome>

/** The event `error`: an answer to an event that had no acknowledgement, or the word before a disconnect. */
export const errorEvent = wireError.extend({ event: opt(text), at: opt(position) })
export const draining = z.object({ retryAfterMs: count })

export const terminationRequest = z.object({ mode: z.enum(['now', 'drain']), reason: text })

export const crashRecoveryResponse = z.object({
  turnId: name,
  action: z.enum(['retry', 'discard']),
  retryDelay: opt(count),
  attempt: opt(z.int().min(1)),
})

/** Everything the relay may say to a drone. */
export const droneDown = {
  welcome: event(droneWelcome),
  processWorkOrder: asks([workOrder], nothing),
  steer: asks([z.object({ turnId: ownId, messageId: name, text })], z.object({ as: opt(steerTaken) })),
  checkpoint: event(position),
  rewind: event(position),
  abortWorkOrder: asks([z.object({ turnId: ownId, attempt: z.int().min(1) })], 'boolean'),
  executeCommand: asks(
    [z.object({ requestId: name, chatSessionId: opt(name), command: name, args: opt(json) })],
    z.object({ result: opt(json) }),
  ),
  'permission:resolved': event(z.object({ requestId: name, optionId: name.nullable(), by: opt(text) })),
  crashRecoveryResponse: event(crashRecoveryResponse),
  requestTermination: asks([opt(terminationRequest)], 'boolean'),
  'surface:invoke': asks(
    [
      z.object({
        requestId: name,
        surfaceId: name,
        actionId: name,
        payload: opt(json),
        chatSessionId: opt(name),
      }),
    ],
    nothing,
  ),
  'terminal:open': asks(
    [z.object({ requestId: name, chatSessionId: name, cols: size, rows: size, command: opt(text) })],
    z.object({ terminalId: name }),
  ),
  'terminal:input': asks([z.object({ terminalId: name }), bytes], nothing),
  'terminal:resize': asks([z.object({ terminalId: name, cols: size, rows: size })], nothing),
  'terminal:close': asks([z.object({ terminalId: name })], nothing),
  draining: event(draining),
  error: event(errorEvent),
}
export type DroneDown = EventMap<typeof droneDown>
