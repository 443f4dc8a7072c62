import { RelayError } from '../protocol/errors.ts'
import { wordsOf } from './terms.ts'

/** Words that a query may have: each is looked up by itself. */
const MOST_WORDS = 16
/** Letters that a word must begin with for the others to be left open. */
export const SHORTEST_PREFIX = 3

/** What a text has to have: all of `terms`, and for each of `prefixes` a term that begins so. */
export interface Query {
  readonly terms: readonly string[]
  readonly prefixes: readonly string[]
}

/** [FT3] Words, all of which have to be there; `perm*` is any that begins so. Throws `invalid_payload` where there are none. */
export function parseQuery(text: string): Query {
  const terms = new Set<string>()
  const prefixes = new Set<string>()
  for (const {
    end,
    terms: [term = '', ...others],
    follows,
  } of wordsOf(text)) {
    if (text[end] === '*') prefixes.add(checkPrefix(term))
    // The parts of a name of code are for those who write them apart; a character that follows has been asked for.
    else if (term !== '' && !(follows && others.length === 0)) terms.add(term)
  }
  const found = terms.size + prefixes.size
  if (found === 0) throw new RelayError('invalid_payload', 'A search needs a word.')
  if (found > MOST_WORDS) throw new RelayError('invalid_payload', `A search has at most ${MOST_WORDS} words.`)
  return { terms: [...terms], prefixes: [...prefixes] }
}

function checkPrefix(term: string): string {
  if (term.length >= SHORTEST_PREFIX) return term
  throw new RelayError(
    'invalid_payload',
    `Before the star stand at least ${SHORTEST_PREFIX} letters: "${term}*" begins too many words.`,
  )
}
