import { RelayError } from '../protocol/errors.ts'
import type { ErrorCode, WireError } from '../protocol/errors.ts'
import type { SearchAnswer } from '../protocol/search.ts'
import type { AttachmentView, SessionView, TurnStatus } from '../protocol/turn-view.ts'
import type { Json } from '../protocol/values.ts'
import type { Connection } from './connection.ts'

/** How long an answer may take before a question is asked again. */
export const ANSWER_MS = 15_000
/** And where the relay has to ask a drone. */
const TERMINAL_ANSWER_MS = 20_000
/** The pause before a relay that stops is asked again, where it does not say. */
const AGAIN_MS = 1000

export type Answer<Fields> = ({ ok: true } & Fields) | { ok: false; error: WireError }

/** What a command is about, and what it is given. */
export interface CommandPlace {
  readonly chatSessionId?: string
  readonly args?: Json
  readonly requestId?: string
}

/** Which surface: a drone's, or one of the relay's own. */
export interface SurfacePlace {
  readonly droneId?: string
  readonly surfaceId: string
  readonly chatSessionId?: string
}

interface CodeRequestsOptions {
  readonly url: string
  readonly token: string
}

/** What an IDE client asks of the relay, beside the sessions that it watches: each is asked until there is an answer. */
export abstract class CodeRequests {
  readonly #options: CodeRequestsOptions
  protected abstract readonly connection: Pick<Connection<unknown>, 'whenUp' | 'socket'>

  constructor(options: CodeRequestsOptions) {
    this.#options = options
  }

  /** Uploads a file for messages to come: they name it by the id in the answer. */
  async attach(name: string, mediaType: string, bytes: Uint8Array): Promise<AttachmentView> {
    const { url, token } = this.#options
    const response = await fetch(`${url}/api/v1/attachments?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': mediaType },
      body: Uint8Array.from(bytes),
    })
    const answer: unknown = await response.json()
    if (response.ok) return answer as AttachmentView
    const { code, detail } = answer as { code: ErrorCode; detail: string }
    throw new RelayError(code, detail)
  }

  /** Other words for a message that waits. One that has started answers its turn, and stays as it is. */
  editQueued(chatSessionId: string, messageId: string, content: string): Promise<{ turnId?: string }> {
    return this.ask('queue:edit', { chatSessionId, messageId, content })
  }

  /** Takes a message back that waits. One that has started answers its turn. */
  cancelQueued(chatSessionId: string, messageId: string): Promise<{ turnId?: string }> {
    return this.ask('queue:cancel', { chatSessionId, messageId })
  }

  /** Asks the user's other clients to show a session. */
  async open(chatSessionId: string): Promise<void> {
    await this.ask('session:open', { chatSessionId })
  }

  /** The model of a session from its next turn on; null leaves it to the drone. */
  async setModel(chatSessionId: string, model: string | null): Promise<void> {
    await this.ask('set:model', { chatSessionId, model })
  }

  /** How much the agent thinks from the session's next turn on; null leaves it to the drone. */
  async setThinking(chatSessionId: string, level: string | null): Promise<void> {
    await this.ask('set:thinking', { chatSessionId, level })
  }

  /**
   * Has a command done: one of the relay's own or of the session's drone, as `onCommands` names them. `requestId` makes
   * asking again harmless. Resolves with its result, which all viewers of the session hear as well.
   */
  async execute(command: string, { chatSessionId, args, requestId }: CommandPlace = {}): Promise<Json> {
    const id = requestId ?? globalThis.crypto.randomUUID()
    const payload = { requestId: id, command, chatSessionId, args }
    return (await this.ask<{ result?: Json }>('command:execute', payload)).result ?? null
  }

  /** Draws a surface: resolves with what it shows now, and `onSurface` hears every change from then on. */
  async subscribe(surface: SurfacePlace): Promise<Json> {
    return (await this.ask<{ spec?: Json }>('surface:subscribe', surface)).spec ?? null
  }

  async unsubscribe(surface: SurfacePlace): Promise<void> {
    await this.ask('surface:unsubscribe', surface)
  }

  /** Presses something of a surface. */
  async invoke(surface: SurfacePlace & { droneId: string }, actionId: string, payload?: Json): Promise<void> {
    const requestId = globalThis.crypto.randomUUID()
    await this.ask('surface:invoke', { ...surface, actionId, payload, requestId })
  }

  /** Another attempt of a turn: the yes it waits for, or one more try of the session's last turn. */
  retry(turnId: string): Promise<{ attempt: number }> {
    return this.ask('retry', { turnId })
  }

  abort(chatSessionId: string, turnId?: string): Promise<{ turnId?: string; status?: TurnStatus }> {
    return this.ask('abort', { chatSessionId, turnId })
  }

  /** Answers what an agent asks. The first answer counts: this is what it was, with null where nobody chose in time. */
  choose(
    droneId: string,
    requestId: string,
    optionId: string,
  ): Promise<{ optionId: string | null; by?: string }> {
    return this.ask('permission:respond', { droneId, requestId, optionId })
  }

  list(page: { after?: string; limit?: number } = {}): Promise<{ sessions: SessionView[]; next?: string }> {
    return this.ask('session:list', page)
  }

  /** The turns with all words of a query in their prompts and answers; `perm*` is any word that begins so. */
  search(query: string, page: { after?: string; limit?: number } = {}): Promise<SearchAnswer> {
    return this.ask('search', { query, ...page })
  }

  /** A program in a terminal of a drone, of the session's own where none is named: a shell where there is no command. */
  openTerminal(asked: {
    readonly chatSessionId: string
    readonly droneId?: string
    readonly cols: number
    readonly rows: number
    readonly command?: string
  }): Promise<{ droneId: string; terminalId: string }> {
    return this.ask('terminal:open', { ...asked, requestId: globalThis.crypto.randomUUID() })
  }

  /** Asks once; where the connection breaks, nobody knows whether it was heard (`timeout`). */
  protected async askOnce(event: string, ...args: unknown[]): Promise<unknown> {
    await this.connection.whenUp()
    return new Promise((resolve, reject) => {
      this.connection.socket
        .timeout(TERMINAL_ANSWER_MS)
        .emit(event, ...args, (error: Error | null, answer: Answer<object>) => {
          if (error) reject(new RelayError('timeout', `Nobody knows whether ${event} was heard.`))
          else if (answer.ok) resolve(answer)
          else reject(new RelayError(answer.error.code, answer.error.message))
        })
    })
  }

  /** Asks until there is an answer; what must happen once has an id of its own. */
  protected async ask<Fields>(
    event: string,
    payload: object,
    onAnswer?: (fields: Fields) => void,
  ): Promise<Fields> {
    for (;;) {
      await this.connection.whenUp()
      const answer = await new Promise<Answer<Fields> | undefined>((resolve) => {
        this.connection.socket
          .timeout(ANSWER_MS)
          .emit(event, payload, (error: Error | null, given: Answer<Fields>) => {
            if (!error && given.ok) onAnswer?.(given)
            resolve(error ? undefined : given)
          })
      })
      if (answer?.ok) return answer
      // It stops, and another one will come.
      if (answer?.error.code === 'draining') await whenOver(answer.error.retryAfterMs ?? AGAIN_MS)
      else if (answer)
        throw new RelayError(answer.error.code, answer.error.message, { details: answer.error.details })
    }
  }
}

function whenOver(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
