/** What a crew (a load process of the reliability scenarios) is asked, and what it answers. */
import type { UserKeys } from '../user-keys.ts'

export interface CrewSpec {
  /** Unlike any other crew's against the same store: names of drones and sessions are made of it. */
  readonly run: string
  /** Where the drones connect; viewers may go another way than drones, which a fault proxy stands before. */
  readonly droneUrl: string
  readonly codeUrl: string
  readonly users: readonly UserKeys[]
  /** Drones, each with one live turn. */
  readonly pairs: number
  /** Viewers of each turn. */
  readonly viewers: number
  /** Turns that one viewer's connection watches. */
  readonly pairsPerViewer: number
  readonly tokenBytes: number
  /** Ms between one drone's connecting and the next one's: their pings are spread like this. */
  readonly spreadMs?: number
}

export interface Pace {
  /** Tokens a second of each drone. */
  readonly rate: number
}

/** Since `reset`: ms from saying a token to its checkpoint, and to each viewer. */
export interface Figures {
  readonly acks: readonly number[]
  readonly heard: readonly number[]
  readonly said: number
  /** Tokens that the generator said too late, together with the one before. */
  readonly lumped: number
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  readonly cpuShare: number
}

/** Ms from a moment until one drone's words of then were acknowledged, and until its last viewer had them. */
export interface CaughtUp {
  readonly ackedMs: number | undefined
  readonly seenMs: number | undefined
}

export interface Ordered {
  readonly droneId: string
  readonly workspaceId: string
  readonly attempt: number
  readonly at: number
}

/** Everything a crew can be asked; moments are in ms since 1970, with fractions. */
export interface CrewCommands {
  open: { ask: CrewSpec; answer: { sessions: string[]; drones: string[] } }
  /** Only drones, one for each workspace of a crew whose `run` is given. */
  spares: { ask: Omit<CrewSpec, 'viewers' | 'pairsPerViewer'>; answer: null }
  speak: { ask: Pace; answer: null }
  quiet: { ask: null; answer: null }
  reset: { ask: null; answer: null }
  figures: { ask: null; answer: Figures }
  caughtUp: { ask: { since: number; limitMs: number }; answer: CaughtUp[] }
  orders: { ask: null; answer: Ordered[] }
  /** Viewers that join and then read nothing, while they go on saying that they live; or read, to compare with. */
  freeze: {
    ask: { codeUrl: string; code: string; sessions: readonly string[]; reads: boolean }
    answer: null
  }
  /** Ends every turn, and compares what was said with what viewers heard and with the store. */
  end: { ask: null; answer: { wrong: string[] } }
}

export type CommandName = keyof CrewCommands
export type Ask<Name extends CommandName> = CrewCommands[Name]['ask']
export type Answer<Name extends CommandName> = CrewCommands[Name]['answer']

export type ToCrew = { [Name in CommandName]: { id: number; name: Name; ask: Ask<Name> } }[CommandName]
export type FromCrew =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly failed: string }

/** The same clock in every process of this machine. */
export function moment(): number {
  return performance.timeOrigin + performance.now()
}
