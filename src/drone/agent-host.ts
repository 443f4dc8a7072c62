import { realpath } from 'node:fs/promises'
import type { Work } from '../client/work.ts'
import type { WorkOrder } from '../protocol/drone-down.ts'
import type { Manifest } from '../protocol/handshake.ts'
import { AgentManifest } from './agent-manifest.ts'
import type { AgentSession } from './agent-session.ts'
import type { PlanEntry } from './agent-update.ts'
import { AgentTurn, CANCEL_MS } from './agent-turn.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { HostedAgent } from './hosted-agent.ts'
import type { Logger } from './logger.ts'
import type { PermissionPolicy } from './permission-rules.ts'
import { AgentTerminals } from './terminals/agent-terminals.ts'
import type { Seen } from './terminals/seen-pty.ts'
import type { TerminalPolicy } from './terminals/terminal-policy.ts'
import { insideWorkspace } from './workspace-files.ts'

/** Chat sessions whose agent session is remembered over restarts of the agent; the relay remembers the others. */
const REMEMBERED_SESSIONS = 1000

export interface AgentHostOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The workspace: what the agent may read through the drone, and where its sessions begin. */
  readonly cwd: string
  /** The whole environment of the agent; the drone's own when absent. */
  readonly env?: NodeJS.ProcessEnv
  readonly logger: Logger
  readonly clock?: Clock
  /** Whether the agent may have the drone run programs in terminals; by default it may. */
  readonly terminals?: TerminalPolicy
  /** Shows people what the agent runs in terminals; without it nobody sees them. */
  readonly showTerminal?: Seen['show']
  /** What the agent may do without asking anybody; by default nothing. */
  readonly permissions?: PermissionPolicy
  /** Milliseconds an agent gets to end a cancelled turn before its process is killed. */
  readonly cancelMs?: number
  /** A chat session has got a session of the agent's, to be named by its later orders. */
  readonly onAgentSession?: (chatSessionId: string, agentSessionId: string) => void
  readonly onManifest?: (manifest: Manifest) => void
  readonly onStatus?: (text: string) => void
  /** What the agent plans in a chat session; nothing when a turn begins. */
  readonly onPlan?: (chatSessionId: string, entries: readonly PlanEntry[]) => void
  readonly onMode?: (mode: string) => void
}

/** Hosts one agent that speaks ACP over stdio, and lets it do work orders: one process, one session per chat session. */
export class AgentHost {
  readonly #options: AgentHostOptions
  readonly #manifest: AgentManifest
  readonly #sessionIds = new Map<string, string>()
  /** The end of each chat session's last work: the next one waits for it. */
  readonly #lastWork = new Map<string, Promise<void>>()
  #agent: Promise<HostedAgent> | undefined
  #stopped = false

  constructor(options: AgentHostOptions) {
    this.#options = options
    this.#manifest = new AgentManifest((manifest) => options.onManifest?.(manifest))
  }

  /** Starts the agent before it is needed, so that its models and commands are known. Without it, the first work does. */
  async start(): Promise<void> {
    const { sessions } = await this.#running()
    await sessions.prepare(await realpath(this.#options.cwd))
  }

  /** A `WorkHandler`: does one work order, and completes it whatever happens. */
  async work(work: Work): Promise<void> {
    const { chatSessionId } = work.order
    const before = this.#lastWork.get(chatSessionId) ?? Promise.resolve()
    const done = before.catch(() => {}).then(() => this.#turn(work))
    this.#lastWork.set(chatSessionId, done)
    await done
    if (this.#lastWork.get(chatSessionId) === done) this.#lastWork.delete(chatSessionId)
  }

  /** Stops the agent. Work that runs ends without success, unless it was aborted before. */
  async stop(): Promise<void> {
    this.#stopped = true
    const agent = await this.#agent?.catch(() => undefined)
    await agent?.connection.stop('the drone stops')
  }

  async #turn(work: Work): Promise<void> {
    try {
      if (work.signal.aborted) return
      const { connection, sessions, terminals } = await this.#running()
      const session = await this.#sessionOf(work.order, sessions)
      const { clock = systemClock, cancelMs = CANCEL_MS, onStatus = () => {} } = this.#options
      const onPlan = (entries: readonly PlanEntry[]): void =>
        this.#options.onPlan?.(work.order.chatSessionId, entries)
      const told = { clock, cancelMs, onStatus, onPlan, terminals }
      await new AgentTurn({ work, agent: connection, session, ...told }).run()
    } catch (error) {
      if (work.signal.aborted) return
      const reason = error instanceof Error ? error.message : String(error)
      this.#options.logger.warn(`Turn ${work.order.turnId} failed: ${reason}`)
      await work.complete(false, reason)
    }
  }

  async #sessionOf(order: WorkOrder, sessions: HostedAgent['sessions']): Promise<AgentSession> {
    const { chatSessionId, agentSessionId } = order
    const cwd = await insideWorkspace(this.#options.cwd, order.cwd ?? '.')
    const ids = [agentSessionId, this.#sessionIds.get(chatSessionId)].filter((id) => id !== undefined)
    const session = await sessions.of({ chatSessionId, cwd, agentSessionIds: ids })
    if (session.id !== agentSessionId) this.#options.onAgentSession?.(chatSessionId, session.id)
    this.#remember(chatSessionId, session.id)
    return session
  }

  #remember(chatSessionId: string, agentSessionId: string): void {
    this.#sessionIds.delete(chatSessionId)
    this.#sessionIds.set(chatSessionId, agentSessionId)
    const [oldest] = this.#sessionIds.keys()
    if (this.#sessionIds.size > REMEMBERED_SESSIONS && oldest !== undefined) this.#sessionIds.delete(oldest)
  }

  /** People see what runs for their chat session. */
  #seenAs(agentSessionId: string): Omit<Seen, 'title'> | undefined {
    const { showTerminal: show, terminals } = this.#options
    const [chatSessionId] = [...this.#sessionIds].find(([, id]) => id === agentSessionId) ?? []
    if (!show || chatSessionId === undefined) return undefined
    return { chatSessionId, isTheirs: terminals === 'all', show }
  }

  /** The agent that runs, or a new one. */
  #running(): Promise<HostedAgent> {
    if (this.#stopped) throw new Error('the drone stops and takes no work')
    this.#agent ??= this.#open()
    return this.#agent
  }

  async #forget(agent: HostedAgent): Promise<void> {
    const reason = await agent.connection.ended
    this.#agent = undefined
    if (!this.#stopped)
      this.#options.logger.warn(`The agent is gone, the next work starts it again: ${reason}.`)
  }

  async #open(): Promise<HostedAgent> {
    const { command, args, cwd, env, logger, permissions = 'ask', onMode = () => {} } = this.#options
    const process = { command, args, cwd, logger, ...(env ? { env } : {}) }
    const seenAs = (agentSessionId: string) => this.#seenAs(agentSessionId)
    const workspace = { workspace: cwd, env: env ?? globalThis.process.env, logger, seenAs }
    const mayRun = (this.#options.terminals ?? 'agent') !== 'none'
    const terminals = mayRun ? new AgentTerminals(workspace) : undefined
    try {
      const manifest = this.#manifest
      const agent = await HostedAgent.open({ ...process, manifest, permissions, onMode, terminals })
      logger.info(`The agent is ${agent.connection.name}.`)
      void this.#forget(agent)
      return agent
    } catch (error) {
      this.#agent = undefined
      throw error
    }
  }
}
