import { randomBytes } from 'node:crypto'

/** Digits of base 36 that hold a time in ms until the year 5188. */
const TIME_DIGITS = 9

/** An id of ours, `[A-Za-z0-9_-]`: sorts by the time it was made, and cannot be guessed. */
export function newId(now: number): string {
  return now.toString(36).padStart(TIME_DIGITS, '0') + randomBytes(12).toString('base64url')
}
