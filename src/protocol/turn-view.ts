import { z } from 'zod'
import { laneHead, toolDetail } from './position.ts'
import { count, isoTime, json, laneName, name, opt, ownId, size, text } from './values.ts'

export const TURN_STATUSES = ['queued', 'processing', 'recovering', 'finished', 'failed', 'aborted'] as const
export type TurnStatus = (typeof TURN_STATUSES)[number]
export const turnStatus = z.enum(TURN_STATUSES)

export type EndStatus = 'finished' | 'failed' | 'aborted'

export function isEnd(status: TurnStatus): status is EndStatus {
  return status === 'finished' || status === 'failed' || status === 'aborted'
}

export const waitingFor = z.enum(['drone', 'retry', 'permission'])

/** One tool call with its last result, as a reader sees it. */
export const toolCallView = z.object({
  callId: name,
  name: text,
  parameters: text,
  response: text,
  isError: opt(z.boolean()),
  detail: opt(toolDetail),
  truncated: opt(z.boolean()),
  /** From the call to its last result, as its drone measured it. */
  durationMs: opt(count),
  subagent: opt(json),
  stats: opt(json),
})
export type ToolCallView = z.infer<typeof toolCallView>

/** Consecutive text of one mode is one block, a tool call is one. */
export const blockView = z.discriminatedUnion('mode', [
  z.object({ mode: z.enum(['thinking', 'responding']), createdAt: isoTime, content: text }),
  z.object({ mode: z.literal('tool'), createdAt: isoTime, content: toolCallView }),
])
export type BlockView = z.infer<typeof blockView>

/** What the agent asked people in this attempt; `optionId` is null where nobody chose. */
export const permissionView = z.object({
  requestId: name,
  title: text,
  callId: opt(name),
  options: z.array(z.object({ optionId: name, name: text, kind: opt(name) })),
  askedAt: isoTime,
  answer: opt(z.object({ optionId: name.nullable(), by: opt(text), at: isoTime })),
})
export type PermissionView = z.infer<typeof permissionView>

/** Tokens and money (in US dollars), as drones said. */
export const usageTotals = z.object({
  input: count,
  output: count,
  cacheRead: count,
  cacheWrite: count,
  cost: z.number(),
})
export type UsageTotals = z.infer<typeof usageTotals>

/** What a user's sessions have used on one day (UTC). */
export const dayUsage = usageTotals.extend({ day: text, turns: count })
export type DayUsage = z.infer<typeof dayUsage>

/** What a session has used, in all turns that have ended. */
export const sessionUsageView = usageTotals.extend({
  turns: count,
  /** That people sent: of those turns, with the ones that they took. */
  messages: count,
  modelSwitches: count,
  contextUsed: opt(count),
  contextWindow: opt(count),
})
export type SessionUsageView = z.infer<typeof sessionUsageView>

/** Which rule chose for the last message, and why. */
export const routingView = z.object({ rule: text, reason: text })

/** A file that came with a message. */
export const attachmentView = z.object({ attachmentId: ownId, name, mediaType: name, size: count })
export type AttachmentView = z.infer<typeof attachmentView>

/** How an agent took a message that came while it worked: while it was at it, or as its next prompt in the same turn. */
export const steerTaken = z.enum(['now', 'next'])
export type SteerTaken = z.infer<typeof steerTaken>

/** A message that went into a turn which had begun; `offset` is the length of the turn's own lane then. */
export const steerView = z.object({
  messageId: name,
  text,
  by: opt(text),
  as: steerTaken,
  offset: count,
  at: isoTime,
})
export type SteerView = z.infer<typeof steerView>

/** What a terminal of a turn showed last, in a terminal of that size, and how its program ended. */
export const endedTerminalView = z.object({
  droneId: name,
  terminalId: name,
  title: opt(text),
  exitCode: opt(z.int()),
  endedAt: isoTime,
  cols: size,
  rows: size,
  screen: text,
})

/** A turn as read, in the shape of the original's chat turn. */
export const turnView = z.object({
  id: ownId,
  chatSessionId: name,
  droneId: opt(name),
  workspaceId: opt(name),
  attempt: z.int().min(1),
  status: turnStatus,
  incomplete: opt(z.boolean()),
  messageId: opt(name),
  prompt: text,
  /** The drone spoke by itself: there is no prompt. */
  unasked: opt(z.boolean()),
  mentions: opt(z.array(name)),
  attachments: opt(z.array(attachmentView)),
  steers: opt(z.array(steerView)),
  model: opt(name),
  provider: opt(name),
  errorMessage: opt(text),
  createdAt: isoTime,
  startedAt: opt(isoTime),
  endedAt: opt(isoTime),
  stats: z.object({ toolCallCount: count, tokens: opt(count), cost: opt(z.number()) }),
  /** Of all attempts. */
  usage: opt(usageTotals),
  /** Those given up, oldest first: each is read by its number. */
  earlier: opt(
    z.array(
      z.object({
        attempt: z.int().min(1),
        reason: text,
        droneId: opt(name),
        startedAt: isoTime,
        endedAt: isoTime,
        usage: opt(usageTotals),
      }),
    ),
  ),
  blocks: z.array(blockView),
  toolCalls: z.array(toolCallView),
  lanes: opt(z.record(z.string(), z.object({ blocks: z.array(blockView) }))),
  permissions: opt(z.array(permissionView)),
  terminals: opt(z.array(endedTerminalView)),
  heads: z.array(laneHead),
})
export type TurnView = z.infer<typeof turnView>

/** Where a turn stands, without its words: an item of a join's answer. */
export const turnSummary = z.object({
  turnId: ownId,
  attempt: z.int().min(1),
  status: turnStatus,
  reason: opt(text),
  waitingFor: opt(waitingFor),
  messageId: opt(name),
  prompt: text,
  /** The drone spoke by itself: there is no prompt. */
  unasked: opt(z.boolean()),
  mentions: opt(z.array(name)),
  attachments: opt(z.array(attachmentView)),
  steers: opt(z.array(steerView)),
  droneId: opt(name),
  model: opt(name),
  startedAt: opt(isoTime),
  endedAt: opt(isoTime),
  incomplete: opt(z.boolean()),
  heads: z.array(laneHead),
})
export type TurnSummary = z.infer<typeof turnSummary>

export const sessionView = z.object({
  chatSessionId: name,
  title: opt(text),
  user: text,
  workspaceId: opt(name),
  droneId: opt(name),
  model: opt(name),
  provider: opt(name),
  thinkingLevel: opt(name),
  agent: opt(name),
  usage: opt(sessionUsageView),
  routing: opt(routingView),
  status: z.enum(['idle', 'queued', 'processing', 'recovering']),
  liveTurnId: opt(ownId),
  createdAt: isoTime,
  updatedAt: isoTime,
})
export type SessionView = z.infer<typeof sessionView>

export const resumePoint = z.object({
  turnId: ownId,
  attempt: z.int().min(1),
  lane: laneName,
  from: count,
  reason: opt(z.enum(['older_attempt', 'unknown', 'ahead'])),
})
export type ResumePoint = z.infer<typeof resumePoint>
