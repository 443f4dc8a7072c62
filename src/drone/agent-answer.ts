import { z } from 'zod'
import { configOption, maybe } from './agent-update.ts'

const flag = maybe(z.boolean())
const ability = maybe(z.object({}))

/** What an agent answers to our requests: the SDK hands answers on unread. */
export const initializeAnswer = z.object({
  protocolVersion: z.int(),
  agentInfo: maybe(z.object({ name: z.string(), version: maybe(z.string()) })),
  agentCapabilities: maybe(
    z.object({
      loadSession: flag,
      promptCapabilities: maybe(z.object({ image: flag, audio: flag, embeddedContext: flag })),
      sessionCapabilities: maybe(z.object({ resume: ability, close: ability })),
    }),
  ),
  authMethods: maybe(
    z.array(z.object({ id: z.string(), name: maybe(z.string()), description: maybe(z.string()) })),
  ),
})
export type InitializeAnswer = z.infer<typeof initializeAnswer>

const sessionModes = z.object({
  currentModeId: z.string(),
  availableModes: z.array(z.object({ id: z.string() })),
})

/** The answer to session/resume and session/load; some agents answer these with nothing. */
export const sessionAnswer = z
  .object({ modes: maybe(sessionModes), configOptions: maybe(z.array(configOption)) })
  .nullish()
  .transform((answer) => answer ?? {})
export type SessionAnswer = z.infer<typeof sessionAnswer>

export const newSessionAnswer = z.object({
  sessionId: z.string().min(1),
  modes: maybe(sessionModes),
  configOptions: maybe(z.array(configOption)),
})

const tokens = maybe(z.number().min(0))
export const promptAnswer = z.object({
  stopReason: z.string(),
  usage: maybe(
    z.object({
      inputTokens: tokens,
      outputTokens: tokens,
      thoughtTokens: tokens,
      cachedReadTokens: tokens,
      cachedWriteTokens: tokens,
    }),
  ),
})
export type PromptAnswer = z.infer<typeof promptAnswer>
