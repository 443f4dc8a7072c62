import { z } from 'zod'
import { opt } from '../protocol/values.ts'

/**
 * What an agent says while it works, read leniently: an optional field of the wrong shape counts as missing, for one
 * odd field must not cost a turn. The SDK's own schemas are not exported, and its stable ones drop `usage`.
 */
export const maybe = <T extends z.ZodType>(schema: T) => opt(schema).catch(undefined)

const contentBlock = z.object({
  type: z.string(),
  text: maybe(z.string()),
  name: maybe(z.string()),
  uri: maybe(z.string()),
  mimeType: maybe(z.string()),
  resource: maybe(z.object({ uri: maybe(z.string()), text: maybe(z.string()) })),
})
export type AgentContent = z.infer<typeof contentBlock>

const toolContent = z.object({
  type: z.string(),
  content: maybe(contentBlock),
  path: maybe(z.string()),
  oldText: maybe(z.string()),
  newText: maybe(z.string()),
  terminalId: maybe(z.string()),
})
export type AgentToolContent = z.infer<typeof toolContent>

export const toolFields = z.object({
  toolCallId: z.string().min(1),
  name: maybe(z.string()),
  title: maybe(z.string()),
  kind: maybe(z.string()),
  status: maybe(z.string()),
  content: maybe(z.array(toolContent)),
  locations: maybe(z.array(z.object({ path: z.string(), line: maybe(z.int().min(0)) }))),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
})
export type AgentTool = z.infer<typeof toolFields>

const planEntry = z.object({ content: z.string(), status: maybe(z.string()) })
export type PlanEntry = z.infer<typeof planEntry>

const availableCommand = z.object({
  name: z.string(),
  description: maybe(z.string()),
  input: maybe(z.object({ hint: maybe(z.string()) })),
})
export type AgentSlashCommand = z.infer<typeof availableCommand>

const choice = z.object({ value: z.string(), name: maybe(z.string()) })
const choiceGroup = z.object({ options: z.array(choice) })
export const configOption = z.object({
  id: z.string(),
  category: maybe(z.string()),
  currentValue: z.unknown().optional(),
  options: maybe(z.array(z.union([choice, choiceGroup]))),
})
export type ConfigOption = z.infer<typeof configOption>

const count = z.number().min(0)
const update = z.discriminatedUnion('sessionUpdate', [
  z.object({ sessionUpdate: z.literal('user_message_chunk') }),
  z.object({ sessionUpdate: z.literal('agent_message_chunk'), content: contentBlock }),
  z.object({ sessionUpdate: z.literal('agent_thought_chunk'), content: contentBlock }),
  toolFields.extend({ sessionUpdate: z.literal('tool_call') }),
  toolFields.extend({ sessionUpdate: z.literal('tool_call_update') }),
  z.object({ sessionUpdate: z.literal('plan'), entries: z.array(planEntry) }),
  z.object({
    sessionUpdate: z.literal('available_commands_update'),
    availableCommands: z.array(availableCommand),
  }),
  z.object({ sessionUpdate: z.literal('current_mode_update'), currentModeId: z.string() }),
  z.object({ sessionUpdate: z.literal('config_option_update'), configOptions: z.array(configOption) }),
  z.object({
    sessionUpdate: z.literal('usage_update'),
    used: maybe(count),
    size: maybe(count),
    cost: maybe(z.object({ amount: count, currency: maybe(z.string()) })),
  }),
])
export type AgentUpdate = z.infer<typeof update>

export const sessionUpdate = z.object({ sessionId: z.string(), update })
