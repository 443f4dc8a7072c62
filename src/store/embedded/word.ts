import type { Entry, Placed } from '../../turns/entry.ts'

const MODES = ['thinking', 'responding'] as const

/** An entry as stored: texts, which are nearly all, without field names; their offset is in the key. */
export type Word = readonly [mode: 0 | 1, createdAt: number, text: string] | Exclude<Entry, { kind: 'text' }>

export function wordOf(entry: Entry): Word {
  if (entry.kind !== 'text') return entry
  return [entry.mode === 'thinking' ? 0 : 1, entry.createdAt, entry.text]
}

export function placedOf(offset: number, word: Word): Placed {
  if (!('kind' in word)) {
    const [mode, createdAt, text] = word
    return { offset, entry: { kind: 'text', mode: MODES[mode], text, createdAt } }
  }
  return { offset, entry: word }
}
