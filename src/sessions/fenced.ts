import { RelayError } from '../protocol/errors.ts'

/** What a drone is told that speaks of a turn which is not its, or not any more. */
export function fenced(turnId: string): RelayError {
  return new RelayError('fenced', `Turn ${turnId} is not this drone's, or is over: drop what you hold of it.`)
}
