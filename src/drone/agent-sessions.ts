import { methods } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import { newSessionAnswer, sessionAnswer } from './agent-answer.ts'
import type { InitializeAnswer } from './agent-answer.ts'
import { AgentSession } from './agent-session.ts'
import type { SessionAsker } from './agent-session.ts'
import type { Logger } from './logger.ts'

/** Sessions that one agent process keeps open; each costs it memory. The one used longest ago is closed. */
const OPEN_SESSIONS = 50

interface SessionOwner extends SessionAsker {
  readonly abilities: NonNullable<InitializeAnswer['agentCapabilities']>
}

export interface AgentSessionsOptions {
  readonly agent: SessionOwner
  readonly logger: Logger
  readonly onOpened: (session: AgentSession) => void
}

export interface SessionWish {
  readonly chatSessionId: string
  readonly cwd: string
  /** Where the chat session was before, the likeliest first. */
  readonly agentSessionIds: readonly string[]
}

/** The sessions of one agent process: one for each chat session. */
export class AgentSessions {
  readonly #options: AgentSessionsOptions
  /** By chat session, the one used longest ago first. */
  readonly #open = new Map<string, AgentSession>()
  #spare: AgentSession | undefined

  constructor(options: AgentSessionsOptions) {
    this.#options = options
  }

  /** The session with the agent's own id, if a chat session has it. */
  find(agentSessionId: string): AgentSession | undefined {
    for (const session of this.#open.values()) if (session.id === agentSessionId) return session
    return undefined
  }

  /** Opens a session that the next new chat session takes, so that what the agent offers is known before. */
  async prepare(cwd: string): Promise<void> {
    this.#spare ??= await this.#create(cwd)
  }

  async of({ chatSessionId, cwd, agentSessionIds }: SessionWish): Promise<AgentSession> {
    const known = this.#open.get(chatSessionId)
    const session = known?.cwd === cwd ? known : await this.#reopen(cwd, agentSessionIds)
    this.#open.delete(chatSessionId)
    this.#open.set(chatSessionId, session)
    await this.#closeOldest()
    return session
  }

  async #reopen(cwd: string, ids: readonly string[]): Promise<AgentSession> {
    for (const id of new Set(ids)) {
      const session = await this.#restore(id, cwd)
      if (session) return session
    }
    const spare = this.#spare?.cwd === cwd ? this.#spare : undefined
    if (spare) this.#spare = undefined
    return spare ?? this.#create(cwd)
  }

  /** The updates that replay a loaded session come before its answer, so no chat session has it yet: they are dropped. */
  async #restore(id: string, cwd: string): Promise<AgentSession | undefined> {
    const { agent, logger } = this.#options
    const { sessionCapabilities, loadSession } = agent.abilities
    const { resume, load } = methods.agent.session
    const method = sessionCapabilities?.resume ? resume : loadSession ? load : undefined
    if (!method) return undefined
    try {
      const answer = await agent.ask(method, { sessionId: id, cwd, mcpServers: [] }, sessionAnswer)
      return this.#opened(new AgentSession({ id, cwd, isFresh: false, answer, logger }))
    } catch (error) {
      logger.warn(`The agent cannot go on with its session ${id}, a new one begins: ${String(error)}`)
      return undefined
    }
  }

  async #create(cwd: string): Promise<AgentSession> {
    const { agent, logger } = this.#options
    const { sessionId, ...answer } = await agent.ask(
      methods.agent.session.new,
      { cwd, mcpServers: [] },
      newSessionAnswer,
    )
    return this.#opened(new AgentSession({ id: sessionId, cwd, isFresh: true, answer, logger }))
  }

  #opened(session: AgentSession): AgentSession {
    this.#options.onOpened(session)
    return session
  }

  async #closeOldest(): Promise<void> {
    if (this.#open.size <= OPEN_SESSIONS) return
    const idle = [...this.#open].find(([, session]) => !session.narrator)
    if (!idle) return
    const [chatSessionId, session] = idle
    this.#open.delete(chatSessionId)
    const { agent, logger } = this.#options
    if (!agent.abilities.sessionCapabilities?.close) return
    await agent
      .ask(methods.agent.session.close, { sessionId: session.id }, z.unknown())
      .catch((error: unknown) =>
        logger.warn(`The agent did not close its session ${session.id}: ${String(error)}`),
      )
  }
}
