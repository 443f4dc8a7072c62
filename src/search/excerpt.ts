import type { Query } from './query.ts'
import { wordsOf } from './terms.ts'
import type { Word } from './terms.ts'
import type { TextPlace, TurnText } from './turn-text.ts'

/** UTF-16 units of an excerpt, and of those that stand before its first match. */
const EXCERPT_UNITS = 240
const UNITS_BEFORE = 60

/** A piece of a text around what was searched; `matches` are the words in it, `[start, end)` in UTF-16 units. */
export interface Excerpt {
  readonly place: TextPlace
  readonly excerpt: string
  readonly matches: [number, number][]
}

interface Match extends Pick<Word, 'start' | 'end'> {
  /** What of the query it is. */
  readonly asked: readonly string[]
}

/** From the text that has the most of the query; undefined where the texts together do not have all of it. */
export function excerptOf(texts: readonly TurnText[], query: Query): Excerpt | undefined {
  const everything = new Set<string>()
  let best: { text: TurnText; matches: Match[]; asked: number } | undefined
  for (const text of texts) {
    const matches = matchesOf(text.text, query)
    const asked = new Set(matches.flatMap((match) => match.asked))
    for (const name of asked) everything.add(name)
    if (asked.size > (best?.asked ?? 0)) best = { text, matches, asked: asked.size }
  }
  if (!best || everything.size < query.terms.length + query.prefixes.length) return undefined
  return cutAround(best.text, best.matches)
}

function matchesOf(text: string, { terms, prefixes }: Query): Match[] {
  const matches: Match[] = []
  for (const { start, end, terms: own } of wordsOf(text)) {
    const asked = [
      ...terms.filter((term) => own.includes(term)),
      ...prefixes
        .filter((prefix) => own.some((term) => term.startsWith(prefix)))
        .map((prefix) => `${prefix}*`),
    ]
    if (asked.length > 0) matches.push({ start, end, asked })
  }
  return matches
}

function cutAround({ place, text }: TurnText, matches: readonly Match[]): Excerpt {
  const first = bestStart(matches)
  const from = atCharacter(text, first <= UNITS_BEFORE ? 0 : afterSpace(text, first - UNITS_BEFORE, first))
  const to = atCharacter(text, Math.min(text.length, from + EXCERPT_UNITS))
  const within = matches.filter(({ start, end }) => start >= from && end <= to)
  return {
    place,
    excerpt: text.slice(from, to),
    matches: within.map(({ start, end }) => [start - from, end - from]),
  }
}

/** Where the most of the query stands together. */
function bestStart(matches: readonly Match[]): number {
  let best = { start: 0, asked: 0 }
  for (const [index, { start }] of matches.entries()) {
    const near = new Set<string>()
    for (let other = index; other < matches.length; other++) {
      const match = matches[other]
      if (!match || match.end > start + EXCERPT_UNITS - UNITS_BEFORE) break
      for (const name of match.asked) near.add(name)
    }
    if (near.size > best.asked) best = { start, asked: near.size }
  }
  return best.start
}

/** Not in the middle of a word, if there is a space soon. */
function afterSpace(text: string, from: number, before: number): number {
  const space = text.slice(from, before).search(/\s/u)
  return space < 0 ? from : from + space + 1
}

/** Not between the halves of a pair. */
function atCharacter(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at
}
