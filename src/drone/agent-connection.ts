import { PROTOCOL_VERSION, client, methods } from '@agentclientprotocol/sdk'
import type {
  ClientConnection,
  RequestPermissionRequest,
  RequestPermissionResponse,
} from '@agentclientprotocol/sdk'
import type { z } from 'zod'
import { initializeAnswer } from './agent-answer.ts'
import type { InitializeAnswer } from './agent-answer.ts'
import { errorWords } from './agent-error.ts'
import { AgentProcess } from './agent-process.ts'
import type { AgentProcessOptions } from './agent-process.ts'
import { AgentStream } from './agent-stream.ts'
import type { CalledMessage } from './agent-stream.ts'
import type { AgentTerminals } from './terminals/agent-terminals.ts'
import { readWorkspaceFile } from './workspace-files.ts'

/**
 * Milliseconds for the answer to any request but a prompt. Agents load for seconds, start their tool servers in a new
 * session, and may download something the first time.
 */
const ANSWER_MS = 60_000

export interface AgentConnectionOptions extends AgentProcessOptions {
  readonly hear: (message: CalledMessage) => Promise<boolean>
  readonly permit: (request: RequestPermissionRequest) => Promise<RequestPermissionResponse>
  /** Where the agent may run programs; it may not where there is none. */
  readonly terminals?: AgentTerminals | undefined
}

/** A running agent that has introduced itself. It is used until it ends, and never comes back. */
export class AgentConnection {
  #introduction: InitializeAnswer = { protocolVersion: PROTOCOL_VERSION }
  readonly #process: AgentProcess
  readonly #stream: AgentStream
  readonly #connection: ClientConnection
  readonly #terminals: AgentTerminals | undefined

  static async open(options: AgentConnectionOptions): Promise<AgentConnection> {
    const connection = new AgentConnection(options)
    try {
      await connection.#introduce()
    } catch (error) {
      await connection.stop('it did not introduce itself')
      throw error
    }
    return connection
  }

  private constructor(options: AgentConnectionOptions) {
    const { logger, hear, permit, cwd, terminals } = options
    this.#terminals = terminals
    this.#process = new AgentProcess(options)
    const { stdin, stdout } = this.#process
    this.#stream = new AgentStream({ stdin, stdout, logger, hear })
    const us = client({ name: 'drone-relay' })
      .onRequest(methods.client.session.requestPermission, ({ params }) => permit(params))
      .onRequest(methods.client.fs.readTextFile, ({ params }) => readWorkspaceFile(cwd, params))
    if (terminals)
      us.onRequest(methods.client.terminal.create, ({ params }) => terminals.create(params))
        .onRequest(methods.client.terminal.output, ({ params }) => terminals.output(params))
        .onRequest(methods.client.terminal.waitForExit, ({ params }) => terminals.waitForExit(params))
        .onRequest(methods.client.terminal.kill, ({ params }) => terminals.kill(params))
        .onRequest(methods.client.terminal.release, ({ params }) => terminals.release(params))
    this.#connection = us.connect(this.#stream.stream)
    void this.#endWithConnection()
  }

  get abilities(): NonNullable<InitializeAnswer['agentCapabilities']> {
    return this.#introduction.agentCapabilities ?? {}
  }

  get name(): string {
    const { name, version } = this.#introduction.agentInfo ?? { name: 'one without a name' }
    return version ? `${name} ${version}` : name
  }

  /** Resolves with the reason, in words, when the agent is gone and all its words have been heard. */
  get ended(): Promise<string> {
    return this.#process.ended
  }

  /** True while the agent is not read because a turn has no room: what it does not answer then is not its fault. */
  get heldUp(): boolean {
    return this.#stream.heldUp
  }

  /** Asks something short. */
  async ask<Schema extends z.ZodType>(
    method: string,
    params: object,
    answer: Schema,
  ): Promise<z.infer<Schema>> {
    const patience = new AbortController()
    const wait = (): NodeJS.Timeout =>
      setTimeout(() => {
        if (this.heldUp) timer = wait()
        else patience.abort()
      }, ANSWER_MS)
    let timer = wait()
    try {
      return await this.#request(method, params, answer, patience.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks something that may take as long as a turn. */
  prompt<Schema extends z.ZodType>(params: object, answer: Schema): Promise<z.infer<Schema>> {
    return this.#request(methods.agent.session.prompt, params, answer)
  }

  /** Tells the agent to stop a turn; it still answers the prompt. */
  async cancel(sessionId: string): Promise<void> {
    // An agent that is gone needs no telling: its end ends the turn.
    await this.#connection.agent.notify(methods.agent.session.cancel, { sessionId }).catch(() => {})
  }

  stop(why: string): Promise<void> {
    return this.#process.stop(why)
  }

  kill(why: string): void {
    this.#process.kill(why)
  }

  /** An agent that closes its stdout and lives on is of no more use. */
  async #endWithConnection(): Promise<void> {
    await this.#connection.closed
    this.#terminals?.close()
    const { fault } = this.#stream
    if (fault === undefined) await this.stop('its connection closed')
    else this.kill(fault)
  }

  async #introduce(): Promise<void> {
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: 'drone-relay', version: '1' },
      clientCapabilities: {
        fs: { readTextFile: true, writeTextFile: false },
        terminal: this.#terminals !== undefined,
      },
    }
    this.#introduction = await this.ask(methods.agent.initialize, params, initializeAnswer)
    const { protocolVersion } = this.#introduction
    if (protocolVersion === PROTOCOL_VERSION) return
    throw new Error(
      `the agent speaks version ${protocolVersion} of ACP, the drone version ${PROTOCOL_VERSION}: update the older`,
    )
  }

  async #request<Schema extends z.ZodType>(
    method: string,
    params: object,
    answer: Schema,
    patience?: AbortSignal,
  ): Promise<z.infer<Schema>> {
    const options = patience && { cancellationSignal: patience, stopWaitingOnCancel: true as const }
    try {
      return answer.parse(await this.#connection.agent.request<unknown, object>(method, params, options))
    } catch (cause) {
      if (this.#connection.signal.aborted) throw new Error(await this.ended, { cause })
      if (patience?.aborted) {
        throw new Error(`the agent did not answer ${method} within ${ANSWER_MS} ms`, { cause })
      }
      throw new Error(errorWords(method, cause, this.#introduction), { cause })
    }
  }
}
