import type { Hearing } from './hearing.ts'
import type { Target } from './spec.ts'
import type { Transcript } from './transcript.ts'

/** A drone's side of one turn. What is awaited resolves when there is room for more. */
export interface Speaker {
  text(mode: 'thinking' | 'responding', text: string): Promise<void> | void
  call(callId: string, name: string, params: string): Promise<void> | void
  result(callId: string, response: string): Promise<void> | void
  /** Ends the turn; resolves when the server has taken the end. */
  end(): Promise<void>
}

/** One drone with one turn, and those who watch it. */
export interface Link {
  readonly speaker: Speaker
  readonly viewers: readonly Hearing[]
  /** One more viewer, connected and not joined; undefined where the server cannot bring one up. */
  readonly connect?: (name: string) => Promise<Latecomer>
  /** What the store says of the ended turn; undefined where nothing is kept. */
  readonly stored?: () => Promise<Transcript>
  readonly close: () => Promise<void>
}

export interface Latecomer {
  readonly hearing: Hearing
  /** Joins from the first word; resolves with the length that the turn has at that moment. */
  join(): Promise<number>
  close(): void
}

export interface LinkOptions<Where extends Target = Target> {
  readonly target: Where
  /** Unlike any other link's of this server. */
  readonly name: string
  readonly viewers: number
}
