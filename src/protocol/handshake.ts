import { z } from 'zod'
import { json, jsonObject, name, opt, text } from './values.ts'

export const PROTOCOL_VERSION = 1

/** `prompt`: it is done by sending `/name args` as a message. */
export const command = z.object({
  name,
  description: opt(text),
  args: opt(json),
  prompt: opt(z.boolean()),
})
export const model = z.object({ id: name, provider: opt(name), name: opt(text) })

/** What a drone can do: offered in its registration or later by `manifest`. */
export const manifest = z.object({
  commands: opt(z.array(command).max(1000)),
  models: opt(z.array(model).max(1000)),
  thinkingLevels: opt(z.array(name).max(100)),
  agents: opt(z.array(name).max(100)),
})
export type Manifest = z.infer<typeof manifest>

export const registration = manifest.extend({
  name,
  hostname: name,
  workspaceId: name,
  /** The drone's own lasting name; without it (name, hostname, workspaceId) is who it is. */
  droneId: opt(name),
  /** New for every start of the process; a drone without one is a plain drone of the original. */
  instanceId: opt(name),
  capacity: opt(z.int().min(1).max(1000)),
  labels: opt(jsonObject),
})
export type Registration = z.infer<typeof registration>

export const peer = z.object({ name: opt(text), version: opt(text) })

export const codeAuth = z.object({
  token: opt(text),
  protocol: opt(z.int()),
  client: opt(peer),
  /** An IDE client of the original hears subagents as `agent:*` and an end as `workOrderComplete`. */
  original: opt(z.boolean()),
})
export const droneAuth = codeAuth.extend({ registration })
