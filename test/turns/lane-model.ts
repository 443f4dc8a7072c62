import * as fc from 'fast-check'
import type { Entry, Mode, Placed } from '../../src/turns/entry.ts'
import { endOf } from '../../src/turns/entry.ts'

/**
 * A lane as the naive reader thinks of it: an array of units. `t` or `r` and one UTF-16 unit of thinking or response,
 * `c` or `s` and a number for a call or what settles it.
 */
export type Unit = string

const MODES: Readonly<Record<string, Mode>> = { t: 'thinking', r: 'responding' }

export function text(content: string, mode: Mode = 'responding'): Entry {
  return { kind: 'text', mode, text: content, createdAt: 0 }
}

export function call(callId: string): Entry {
  return { kind: 'call', callId, name: 'bash', parameters: '{}', response: '', createdAt: 0 }
}

export function result(callId: string, response = 'done'): Entry {
  return { kind: 'result', callId, response, createdAt: 0 }
}

function entryOf(unit: Unit, units: string): Entry {
  const mode = MODES[unit.charAt(0)]
  if (mode) return text(units, mode)
  return unit.startsWith('c') ? call(unit.slice(1)) : result(unit.slice(1))
}

/** The units of `[from, to)` as a sender would say them: a run of one mode as one text. */
export function placedOf(units: readonly Unit[], from: number, to: number): Placed[] {
  const placed: Placed[] = []
  let start = from
  for (let end = from + 1; end <= to; end++) {
    const unit = units[start] ?? ''
    const isRun = MODES[unit.charAt(0)] !== undefined && units[end]?.charAt(0) === unit.charAt(0)
    if (isRun && end < to) continue
    const run = units.slice(start, end).map((one) => one.slice(1))
    placed.push({ offset: start, entry: entryOf(unit, run.join('')) })
    start = end
  }
  return placed
}

/** What was handed out, as units; throws where the pieces do not follow one another. */
export function unitsOf(pieces: readonly Placed[], from: number): Unit[] {
  const units: Unit[] = []
  let at = from
  for (const placed of pieces) {
    if (placed.offset !== at) throw new Error(`expected a piece at ${at}, got ${placed.offset}`)
    at = endOf(placed)
    const { entry } = placed
    if (entry.kind === 'text') {
      const mode = entry.mode === 'thinking' ? 't' : 'r'
      for (let index = 0; index < entry.text.length; index++) units.push(mode + entry.text.charAt(index))
    } else units.push((entry.kind === 'call' ? 'c' : 's') + entry.callId)
  }
  return units
}

const isHigh = (unit = ''): boolean => /^[tr][\ud800-\udbff]$/.test(unit)
const isLow = (unit = ''): boolean => /^[tr][\udc00-\udfff]$/.test(unit)

export function isHalfAtEnd(units: readonly Unit[]): boolean {
  return isHigh(units.at(-1))
}

/** What is kept of units that were said: halves that stand alone are replaced. */
export function kept(units: readonly Unit[]): Unit[] {
  const isPair = (index: number): boolean =>
    isHigh(units[index]) && isLow(units[index + 1]) && units[index]?.[0] === units[index + 1]?.[0]
  return units.map((unit, index) => {
    if (!isHigh(unit) && !isLow(unit)) return unit
    return isPair(index) || isPair(index - 1) ? unit : `${unit.charAt(0)}\ufffd`
  })
}

const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'bc', 'é', '汉字') },
  { weight: 4, arbitrary: fc.constantFrom('😀', '👩‍👧', '🏴') },
  { weight: 3, arbitrary: fc.constantFrom('\ud83d', '\ude00', '\ud83d\ud83d', '\ude00\ud83d') },
)
const said = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom('t', 'r'), word) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('c', 's'), fc.constantFrom('1', '2')) },
)

/** A lane full of emoji, halves, calls and results. */
export const someUnits: fc.Arbitrary<Unit[]> = fc
  .array(said, { maxLength: 40, size: 'max' })
  .map((all) =>
    all.flatMap(([kind, words]) =>
      kind === 'c' || kind === 's' ? [kind + words] : words.split('').map((unit) => kind + unit),
    ),
  )
