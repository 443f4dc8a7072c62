import { z } from 'zod'
import { permissionRequest } from './drone-up.ts'
import { asks, event, nothing } from './event.ts'
import type { EventMap } from './event.ts'
import { position } from './position.ts'
import { searchAnswer, searchRequest } from './search.ts'
import { attachmentView, resumePoint, sessionView, turnStatus, turnSummary } from './turn-view.ts'
import { bytes, count, json, laneName, name, opt, ownId, size, text } from './values.ts'

const inSession = z.object({ chatSessionId: name })
const terminal = z.object({ droneId: opt(name), terminalId: name })
const surface = z.object({ droneId: opt(name), surfaceId: name, chatSessionId: opt(name) })

/** A message that starts a turn; `messageId` makes sending it again harmless. */
export const chatSend = z.object({
  chatSessionId: opt(name),
  content: text.min(1),
  messageId: name,
  attachments: opt(z.array(ownId).max(100)),
  droneId: opt(name),
  workspaceId: opt(name),
  agent: opt(name),
  model: opt(name),
  provider: opt(name),
  thinkingLevel: opt(name),
  cwd: opt(text),
})
export type ChatSend = z.infer<typeof chatSend>

/** A message that waits: for the live turn's end, or (`steers`) for the agent of that turn to take it. */
export const queuedMessage = z.object({
  messageId: name,
  content: text,
  by: opt(text),
  steers: opt(ownId),
  attachments: opt(z.array(attachmentView)),
})
export type QueuedMessageView = z.infer<typeof queuedMessage>
export const terminalView = z.object({
  droneId: name,
  terminalId: name,
  chatSessionId: name,
  title: opt(text),
  cols: size,
  rows: size,
  readOnly: opt(z.boolean()),
})
export const surfaceView = z.object({
  droneId: opt(name),
  surfaceId: name,
  title: text,
  chatSessionId: opt(name),
  /** Its drone is gone. */
  stale: opt(z.boolean()),
})
/** An answer to what an agent asks. */
export const permissionChoice = z.object({ droneId: name, requestId: name, optionId: name })
export type PermissionChoice = z.infer<typeof permissionChoice>

/** What an agent asked and nobody has answered. */
export const openPermission = permissionRequest.extend({ droneId: name })
export type OpenPermission = z.infer<typeof openPermission>

/** A viewer's cursor; a lane not named is the turn's own. */
export const cursor = position.extend({ lane: opt(laneName) })
export type Cursor = z.infer<typeof cursor>

export const joinAnswer = z.object({
  session: sessionView,
  turns: z.array(turnSummary),
  queue: z.array(queuedMessage),
  permissions: z.array(openPermission),
  terminals: z.array(terminalView),
  surfaces: z.array(surfaceView),
  version: count,
  resume: z.array(resumePoint),
  more: opt(z.boolean()),
})
export type JoinAnswer = z.infer<typeof joinAnswer>

export const chatSendAnswer = z.object({
  chatSessionId: name,
  turnId: ownId,
  status: turnStatus,
  repeated: opt(z.boolean()),
})

/** A message that starts a turn where none is live, steers the one that is, or waits for its end. */
export const chatQueue = chatSend.extend({ steer: opt(z.boolean()) })
export type ChatQueue = z.infer<typeof chatQueue>

/** `turnId`: the turn it has become, or is for. `position`: its place in the queue, 1 for the next. */
export const chatQueueAnswer = z.object({
  chatSessionId: name,
  startedTurn: z.boolean(),
  turnId: opt(ownId),
  status: opt(turnStatus),
  position: opt(z.int().min(1)),
  repeated: opt(z.boolean()),
})

/** Everything an IDE client may ask of the relay. */
export const codeUp = {
  'session:join': asks([inSession.extend({ cursors: opt(z.array(cursor).max(10_000)) })], joinAnswer),
  'session:leave': asks([inSession], nothing),
  'session:open': asks([inSession], nothing),
  'session:list': asks(
    [z.object({ after: opt(text), limit: opt(z.int().min(1).max(200)) })],
    z.object({ sessions: z.array(sessionView), next: opt(text) }),
  ),
  search: asks([searchRequest], searchAnswer),
  'chat:send': asks([chatSend], chatSendAnswer),
  'chat:queue': asks([chatQueue], chatQueueAnswer),
  'queue:edit': asks(
    [inSession.extend({ messageId: name, content: text.min(1) })],
    z.object({ turnId: opt(ownId) }),
  ),
  'queue:cancel': asks([inSession.extend({ messageId: name })], z.object({ turnId: opt(ownId) })),
  abort: asks(
    [inSession.extend({ turnId: opt(ownId) })],
    z.object({ turnId: opt(ownId), status: opt(turnStatus) }),
  ),
  retry: asks([z.object({ turnId: ownId })], z.object({ attempt: opt(z.int().min(1)) })),
  'set:thinking': asks([inSession.extend({ level: opt(name) })], nothing),
  'set:model': asks([inSession.extend({ model: opt(name) })], nothing),
  'command:execute': asks(
    [z.object({ requestId: name, chatSessionId: opt(name), command: name, args: opt(json) })],
    z.object({ result: opt(json) }),
  ),
  'permission:respond': asks([permissionChoice], z.object({ optionId: name.nullable(), by: opt(text) })),
  'surface:subscribe': asks([surface], z.object({ spec: opt(json) })),
  'surface:unsubscribe': asks([surface], nothing),
  'surface:invoke': asks(
    [surface.extend({ requestId: name, actionId: name, payload: opt(json) })],
    z.object({ result: opt(json) }),
  ),
  'terminal:open': asks(
    [
      z.object({
        droneId: opt(name),
        requestId: name,
        chatSessionId: name,
        cols: size,
        rows: size,
        command: opt(text),
      }),
    ],
    z.object({ droneId: name, terminalId: name }),
  ),
  'terminal:input': asks([terminal, bytes], nothing),
  'terminal:resize': asks([terminal.extend({ cols: size, rows: size })], nothing),
  'terminal:close': asks([terminal], nothing),
  'terminal:attach': asks(
    [terminal.extend({ after: opt(count), window: opt(count.min(1)), waits: opt(z.boolean()) })],
    z.object({ droneId: name, from: count, cols: size, rows: size }),
  ),
  'terminal:taken': event(terminal.extend({ offset: count })),
  'terminal:detach': asks([terminal], nothing),
  'auth:refresh': asks([z.object({ token: text })], z.object({ expiresInMs: opt(count) })),
}
export type CodeUp = EventMap<typeof codeUp>
