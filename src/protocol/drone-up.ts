import { z } from 'zod'
import { asks, event, nothing } from './event.ts'
import type { EventMap } from './event.ts'
import { manifest } from './handshake.ts'
import { callAt, position, resultAt, statedHead, toolDetail } from './position.ts'
import { isPlacedText } from './quick-check.ts'
import { steerTaken, turnStatus } from './turn-view.ts'
import { bytes, count, json, name, opt, ownId, text, size } from './values.ts'

/** What an agent's token accounting says of an attempt so far: totals, not additions. */
export const usage = z.object({
  turnId: ownId,
  attempt: z.int().min(1),
  input: count,
  output: count,
  cacheRead: opt(count),
  cacheWrite: opt(count),
  cost: opt(z.number().min(0)),
  contextUsed: opt(count),
  contextWindow: opt(count),
  provider: opt(name),
  model: opt(name),
})
export type Usage = z.infer<typeof usage>

/** The last argument of `workOrderComplete`; a plain drone sends none. */
export const completion = z.object({
  attempt: z.int().min(1),
  heads: opt(z.array(statedHead).max(10_000)),
  /** The messages that its agent has taken while it worked. */
  steers: opt(z.array(z.object({ messageId: name, as: opt(steerTaken) })).max(1000)),
})

export const permissionRequest = z.object({
  requestId: name,
  turnId: ownId,
  attempt: z.int().min(1),
  title: text,
  toolCall: opt(z.object({ callId: opt(name), name: opt(text), detail: opt(toolDetail) })),
  options: z
    .array(z.object({ optionId: name, name: text, kind: opt(name) }))
    .min(1)
    .max(20),
  expiresInMs: opt(count),
})
export type PermissionRequest = z.infer<typeof permissionRequest>

export const surfaceUpdate = z.object({
  surfaceId: name,
  title: text,
  chatSessionId: opt(name),
  spec: opt(json),
  actions: opt(z.array(z.object({ actionId: name, label: text })).max(100)),
})

export const terminalOpened = z.object({
  terminalId: name,
  chatSessionId: name,
  title: opt(text),
  cols: size,
  rows: size,
  /** Its program takes nothing from people. */
  readOnly: opt(z.boolean()),
})
export const terminalAt = z.object({ terminalId: name, offset: count })
export const terminalResized = terminalAt.extend({ cols: size, rows: size })
export const terminalSnapshot = terminalResized.extend({ screen: text })
export const terminalExited = z.object({ terminalId: name, exitCode: opt(z.int()) })

export const sessionCompacted = z.object({
  chatSessionId: name,
  newChatSessionId: opt(name),
  summary: opt(text),
  messagesSummarized: count,
  messagesKept: count,
})

const entryText = { ...event(text, opt(position)), isPlain: isPlacedText }

/** Everything a drone may say to the relay. */
export const droneUp = {
  heartbeat: asks(
    [z.object({ turns: z.array(ownId).max(10_000), load: opt(z.number()) })],
    z.object({ serverTime: text }),
  ),
  status: event(text),
  log: event(opt(json), opt(text), opt(text), text, opt(json)),
  workspaceModeChanged: event(text),
  thinking: entryText,
  response: entryText,
  toolCall: event(name, text, opt(text), opt(text), opt(callAt)),
  toolResult: event(name, opt(text), opt(resultAt)),
  usage: event(usage),
  workOrderComplete: asks(
    [ownId, z.boolean(), opt(text), opt(completion)],
    z.object({ status: opt(turnStatus) }),
  ),
  requestCrashRecovery: event(
    z.object({
      workspaceId: opt(name),
      turnId: name,
      chatSessionId: opt(name),
      attempt: opt(z.int().min(1)),
    }),
  ),
  'permission:request': asks([permissionRequest], nothing),
  manifest: event(manifest),
  agentSession: event(z.object({ chatSessionId: name, agentSessionId: name })),
  'session:compacted': event(sessionCompacted),
  say: asks(
    [
      z.object({
        chatSessionId: name,
        messageId: name,
        content: text,
        thinking: opt(text),
        mentions: opt(z.array(name).max(100)),
      }),
    ],
    z.object({ turnId: ownId }),
  ),
  'surface:update': event(surfaceUpdate),
  'terminal:opened': event(terminalOpened),
  'terminal:data': event(terminalAt, bytes),
  'terminal:resized': event(terminalResized),
  'terminal:snapshot': event(terminalSnapshot),
  'terminal:exited': event(terminalExited),
  // Subagents as a plain drone names them.
  'agent:thinking': event(z.object({ agentId: name, thinking: text })),
  'agent:response': event(z.object({ agentId: name, chunk: text })),
  'agent:tool-call': event(z.object({ agentId: name, tool: name, args: opt(json), callId: opt(name) })),
  'agent:tool-result': event(
    z.object({
      agentId: name,
      tool: opt(name),
      result: opt(json),
      callId: opt(name),
      isError: opt(z.boolean()),
    }),
  ),
  'agent:complete': event(
    z.object({ agentId: name, response: opt(json), subagent: opt(json), stats: opt(json) }),
  ),
}
export type DroneUp = EventMap<typeof droneUp>
