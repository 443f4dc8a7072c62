/** What an IDE embeds: `drone-relay/client`. */
export { CodeClient } from './code-client.ts'
export type {
  CodeClientOptions,
  CodeWelcome,
  CommandPlace,
  Queued,
  SessionStatusNews,
  SurfacePlace,
} from './code-client.ts'
export { FinalRefusal } from './connection.ts'
export { ViewedSession } from './viewed-session.ts'
export type { Missed, SessionChange, SessionInfo } from './viewed-session.ts'
export { ViewedTurn } from './viewed-turn.ts'
export { RelayError } from '../protocol/errors.ts'
export type { CallEntry, Entry, Mode, ResultEntry, TextEntry } from '../turns/entry.ts'
