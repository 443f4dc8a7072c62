/** A word of a text: where it stands, in UTF-16 units, and the terms that find it. */
export interface Word {
  readonly start: number
  readonly end: number
  /** By itself first. */
  readonly terms: readonly string[]
  /** A character that the first term of the one before has in it. */
  readonly follows?: boolean
}

/** Units of a term: what is longer is cut, when it is stored and when it is asked for. */
export const LONGEST_TERM = 64

/** Scripts that put no space between words. */
const UNSPACED =
  '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]'
/** A run of such characters, or letters and digits with their marks; `_` holds a name of code together. */
const WORDS = new RegExp(
  `(?<unspaced>(?:${UNSPACED}\\p{M}*)+)|(?:(?!${UNSPACED})[\\p{L}\\p{N}\\p{M}_])+`,
  'gu',
)
const CHARACTERS = /\P{M}\p{M}*/gu
/** The parts of `readTurn` or `HTTP_server2`. */
const PARTS = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{Lt}\p{M}]+|\p{N}+/gu
/** What is its own only term, and most words are. */
const PLAIN = /^[a-z]+$/
const ASCII = /^\w+$/

/**
 * [FT2] The words of a text. A word is found by itself without marks and case, and a name of code by its parts as well.
 * Where a script has no spaces, each character is a word, found by itself and with the one after it: a dictionary would
 * cut otherwise in its next version, and then not find what was stored.
 */
export function* wordsOf(text: string): Generator<Word> {
  for (const match of text.matchAll(WORDS)) {
    const [word] = match
    const start = match.index
    if (match.groups?.['unspaced'] === undefined)
      yield { start, end: start + word.length, terms: termsOf(word) }
    else yield* charactersOf(word, start)
  }
}

function termsOf(word: string): string[] {
  if (PLAIN.test(word)) return [cut(word)]
  const parts = word.match(PARTS) ?? []
  return parts.length < 2 ? [folded(word)] : [...new Set([folded(word), ...parts.map(folded)])]
}

function* charactersOf(run: string, offset: number): Generator<Word> {
  const characters = [...run.matchAll(CHARACTERS)]
  for (const [index, match] of characters.entries()) {
    const [character] = match
    const next = characters[index + 1]?.[0]
    const start = offset + match.index
    const alone = folded(character)
    const terms = next === undefined ? [alone] : [alone + folded(next), alone]
    yield { start, end: start + character.length, terms, follows: index > 0 }
  }
}

/** Without marks, case, and whatever is only another way to write the same. */
function folded(word: string): string {
  if (ASCII.test(word)) return cut(word.toLowerCase())
  return cut(word.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase())
}

function cut(term: string): string {
  return term.length > LONGEST_TERM ? term.slice(0, LONGEST_TERM) : term
}
