/** A term, and numbers of turns that have it. */
export interface TermNumbers {
  readonly term: string
  readonly numbers: readonly number[]
}

/**
 * An inverted index for each user: the turns that have a term in their texts. A turn is in it by a number, and later
 * numbers are of turns that ended later. Whatever is given again after an unknown outcome is there once.
 */
export interface SearchStore {
  /** The next number of the user, for this turn. A turn that ends again gets another one. */
  addTurn(userId: string, turnId: string): Promise<number>
  /** The turns of these numbers have these terms, among others. */
  addTerms(userId: string, added: readonly TermNumbers[]): Promise<void>
  /** The numbers of the turns that have any of these terms, the highest first. */
  numbersWith(userId: string, terms: readonly string[]): Promise<number[]>
  /** The user's terms that begin so, in their order; `prefix` has at least three letters. */
  termsWith(userId: string, prefix: string, limit: number): Promise<string[]>
  /** The turns of these numbers, in the same order; undefined where there is none. */
  turnIds(userId: string, numbers: readonly number[]): Promise<(string | undefined)[]>
  /** Every turn that has ended and is not in the index as it ended. */
  unindexed(): AsyncIterable<string>
  /** The turn is in the index as it was in this version. */
  indexed(turnId: string, version: number): Promise<void>
}
