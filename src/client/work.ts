import type { Usage } from '../protocol/drone-up.ts'
import type { WorkOrder } from '../protocol/drone-down.ts'
import type { ToolDetail } from '../protocol/position.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import type { Json } from '../protocol/values.ts'

/** A subagent's words go into its own lane, named by its `agentId`; without one they are the turn's own. */
export interface InLane {
  readonly lane?: string
}

export interface ToolCallWords extends InLane {
  readonly callId: string
  readonly name: string
  /** JSON text, as the agent gave it. */
  readonly params: string
  /** Only for a call that is already answered. */
  readonly response?: string
  readonly detail?: ToolDetail
}

export interface ToolResultWords extends InLane {
  readonly callId: string
  readonly response: string
  readonly isError?: boolean
  readonly detail?: ToolDetail
  /** On the result that ends a subagent, given for the call that started it. */
  readonly subagent?: Json
  readonly stats?: Json
}

export interface Steer {
  readonly messageId: string
  readonly text: string
}

export type SteerListener = (steer: Steer) => SteerTaken | void | Promise<SteerTaken | void>

/** Something that people are to decide. */
export interface Question {
  readonly title: string
  readonly options: readonly { readonly optionId: string; readonly name: string; readonly kind?: string }[]
  /** The tool call that it is about. */
  readonly toolCall?: { readonly callId?: string; readonly name?: string; readonly detail?: ToolDetail }
  /** ms; the relay's own limit where it is shorter. */
  readonly expiresInMs?: number
}

export interface Choice {
  readonly optionId: string
  /** The user who chose. */
  readonly by?: string
}

/**
 * What a drone says of one work order. Nothing said is lost while the process lives: it is kept until the relay has
 * stored it and sent again after every reconnect.
 *
 * Every `Promise<void>` here resolves when there is room for more: await it, and an agent that speaks faster than the
 * relay can store is slowed down instead of filling the memory. After `signal` has aborted nothing is sent any more and
 * the promises resolve at once.
 */
export interface Work {
  readonly order: WorkOrder
  /** Aborts when the turn is no longer this drone's: aborted, fenced, superseded, or the drone stops. */
  readonly signal: AbortSignal
  thinking(text: string, options?: InLane): Promise<void>
  response(text: string, options?: InLane): Promise<void>
  toolCall(call: ToolCallWords): Promise<void>
  /** May be given again for the same call: the last one counts. */
  toolResult(result: ToolResultWords): Promise<void>
  /** Totals of the attempt so far. */
  usage(totals: Omit<Usage, 'turnId' | 'attempt'>): void
  /**
   * Asks the people who watch. Resolves with what the first of them chose; with nothing where nobody did in time, or the
   * turn is over. Lasts over reconnects and restarts of the relay. Rejects where the relay refuses the question.
   */
  ask(question: Question): Promise<Choice | undefined>
  /**
   * Messages that come while the turn runs. The listener says how its agent took one, or promises to: `now` (as does
   * nothing) or `next`, as its next prompt. One that was not taken when the turn ends is the session's next message.
   */
  onSteer(listener: SteerListener): void
  /** Ends the turn. Resolves once the end is stored, or the turn is over otherwise. The first end wins. */
  complete(success: boolean, message?: string): Promise<void>
}

/** Does one work order. Returning without `complete` completes with success; throwing completes without. */
export type WorkHandler = (work: Work) => Promise<void>
