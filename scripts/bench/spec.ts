/** What the load generator is told to do, and what it answers: the messages between the bench and its child. */
import type { UserKeys } from './user-keys.ts'

export interface RelayTarget {
  readonly kind: 'relay'
  readonly url: string
  readonly keys: UserKeys
  /** Whose drones and viewers they are, in turn, in place of the first user's. */
  readonly users?: readonly UserKeys[]
  /** Where the drones of this run keep their accepted orders. */
  readonly stateDir: string
  /** Bare Socket.IO drones of the original instead of our SDK's. */
  readonly plain: boolean
}

/** `merging`: Socket.IO, with what is said to a room within a window sent as one. */
export type ForwarderKind = 'socket.io' | 'merging' | 'ws'

export interface ForwarderTarget {
  readonly kind: ForwarderKind
  readonly url: string
}

export type Target = RelayTarget | ForwarderTarget

export interface SteadySpec {
  readonly kind: 'steady'
  readonly drones: number
  readonly viewers: number
  /** Tokens a second of one drone. */
  readonly rate: number
  readonly tokenBytes: number
  readonly warmupMs: number
  readonly measuredMs: number
}

export interface TurnSpec {
  readonly kind: 'turn'
  readonly bytes: number
  readonly tokenBytes: number
}

export interface JoinsSpec {
  readonly kind: 'joins'
  readonly bytes: number
  readonly tokenBytes: number
  /** Tokens a second that are said while viewers join. */
  readonly rate: number
  /** Joins one after the other, and then this many at once. */
  readonly joins: number
  readonly together: number
}

/** Drones with a viewer each that have had one short turn, and stay until the mark `begin` is answered. */
export interface IdleSpec {
  readonly kind: 'idle'
  readonly pairs: number
}

export interface LoadSpec {
  /** Unlike any other run's against the same server: names of drones and sessions are made of it. */
  readonly run: string
  readonly target: Target
  readonly scenario: SteadySpec | TurnSpec | JoinsSpec | IdleSpec
}

export interface LoadReport {
  /** What was not as it must be: empty is good. */
  readonly wrong: string[]
  /** Tokens sent between the marks `begin` and `end`. */
  readonly tokens: number
  readonly ms: number
  readonly chars: number
  /** Events that viewers heard with words in them. */
  readonly events: number
  /** How long each token took to each viewer, as a `Histogram` is written down. */
  readonly took?: readonly (readonly [step: number, count: number])[]
  /** Tokens that the generator said too late, together with the one before. */
  readonly lumped?: number
  /** Time to the last byte, of joins one after the other and of those at once. */
  readonly joinMs?: { readonly single: number[]; readonly together: number[] }
  /** Of the generator itself: what shows whether it was the bottleneck. */
  readonly load: { readonly cpuShare: number; readonly loopP99Ms: number }
}

export type MarkName = 'begin' | 'end'
export type FromLoad =
  { readonly mark: MarkName } | { readonly report: LoadReport } | { readonly failed: string }
export type ToLoad = { readonly spec: LoadSpec } | { readonly marked: MarkName }
