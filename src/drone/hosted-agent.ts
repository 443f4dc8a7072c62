import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk'
import { methods } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import { AgentConnection } from './agent-connection.ts'
import type { AgentProcessOptions } from './agent-process.ts'
import type { AgentManifest } from './agent-manifest.ts'
import { AgentSessions } from './agent-sessions.ts'
import type { AgentTerminals } from './terminals/agent-terminals.ts'
import type { CalledMessage } from './agent-stream.ts'
import { sessionUpdate, toolFields } from './agent-update.ts'
import { chosenAlone, refusalOf } from './permission-rules.ts'
import type { PermissionPolicy } from './permission-rules.ts'

const permissionAsked = z.object({ sessionId: z.string(), toolCall: toolFields })
const CANCELLED: RequestPermissionResponse = { outcome: { outcome: 'cancelled' } }

function selected(optionId: string): RequestPermissionResponse {
  return { outcome: { outcome: 'selected', optionId } }
}

const updateKind = z.object({ update: z.object({ sessionUpdate: z.string() }) })

export interface HostedAgentOptions extends AgentProcessOptions {
  readonly manifest: AgentManifest
  readonly permissions: PermissionPolicy
  readonly onMode: (mode: string) => void
  readonly terminals?: AgentTerminals | undefined
}

/** One running agent process with its sessions, and who hears what it says. */
export class HostedAgent {
  readonly connection: AgentConnection
  readonly sessions: AgentSessions
  readonly terminals: AgentTerminals | undefined
  readonly #options: HostedAgentOptions

  static async open(options: HostedAgentOptions): Promise<HostedAgent> {
    // It may speak before it has introduced itself: then nobody is there to hear it.
    const open: { agent?: HostedAgent } = {}
    const connection = await AgentConnection.open({
      ...options,
      hear: async (message) =>
        (await open.agent?.hear(message)) ?? message.method === methods.client.session.update,
      permit: async (request) => open.agent?.permit(request) ?? CANCELLED,
    })
    open.agent = new HostedAgent(connection, options)
    return open.agent
  }

  private constructor(connection: AgentConnection, options: HostedAgentOptions) {
    this.connection = connection
    this.terminals = options.terminals
    this.#options = options
    const { logger, manifest } = options
    const onOpened = manifest.session.bind(manifest)
    this.sessions = new AgentSessions({ agent: connection, logger, onOpened })
  }

  /** Hears a message before the next is read. True: the SDK need not see it. */
  async hear({ method, params }: CalledMessage): Promise<boolean> {
    if (method === methods.client.session.update) {
      await this.#hearUpdate(params)
      return true
    }
    const asked = method === methods.client.session.requestPermission && permissionAsked.safeParse(params)
    if (asked && asked.success) {
      await this.sessions.find(asked.data.sessionId)?.narrator?.tellAsked(asked.data.toolCall)
    }
    return false
  }

  /** Decides alone where the policy says so; else people do. */
  async permit(request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
    const { logger, permissions } = this.#options
    const { toolCall, sessionId, options } = request
    const narrator = this.sessions.find(sessionId)?.narrator
    const title = toolCall.title ?? toolCall.toolCallId
    if (!narrator) {
      logger.info(`Permission for "${title}" refused: no turn runs in that session.`)
      return CANCELLED
    }
    const kind = toolCall.kind ?? narrator.kindOf(toolCall.toolCallId)
    const alone = chosenAlone(permissions, options, kind)
    if (alone) {
      logger.info(`Permission for "${title}" allowed: ${permissions}, and it is of kind ${kind ?? 'none'}.`)
      return selected(alone.optionId)
    }
    logger.info(`Permission for "${title}" is asked of people.`)
    const choice = await narrator.ask(toolCall.toolCallId, title, options).catch((error: unknown) => {
      logger.warn(`Permission for "${title}" could not be asked: ${String(error)}`)
      return undefined
    })
    if (narrator.isOver) return CANCELLED
    if (choice) {
      logger.info(`Permission for "${title}": ${choice.by ?? 'somebody'} chose ${choice.optionId}.`)
      return selected(choice.optionId)
    }
    const no = refusalOf(options)
    logger.info(`Permission for "${title}" refused: nobody chose.`)
    return no ? selected(no.optionId) : CANCELLED
  }

  async #hearUpdate(params: unknown): Promise<void> {
    const parsed = sessionUpdate.safeParse(params)
    if (!parsed.success) {
      this.#logOdd(params, parsed.error)
      return
    }
    const { sessionId, update } = parsed.data
    const session = this.sessions.find(sessionId)
    if (update.sessionUpdate === 'available_commands_update')
      this.#options.manifest.commands(update.availableCommands)
    if (update.sessionUpdate === 'current_mode_update') this.#options.onMode(update.currentModeId)
    if (update.sessionUpdate === 'config_option_update' && session) {
      session.options = update.configOptions
      this.#options.manifest.session(session)
    }
    await session?.narrator?.tell(update)
  }

  #logOdd(params: unknown, error: z.ZodError): void {
    const { logger } = this.#options
    const kind = updateKind.safeParse(params).data?.update.sessionUpdate ?? 'none'
    const [issue] = error.issues
    // A kind that is new to us is no fault; a known one that cannot be read is lost words.
    if (issue?.code === 'invalid_union')
      logger.debug(`The agent sent an update of a kind unknown here: ${kind}`)
    else
      logger.warn(`The agent sent a ${kind} that cannot be read: ${issue?.path.join('.')} ${issue?.message}`)
  }
}
