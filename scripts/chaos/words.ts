export const MAIN = ''

/** One thing a drone said, as its journal has it and as it is handed to the SDK. */
export type Saying =
  | { readonly kind: 'text'; readonly mode: 'thinking' | 'responding'; readonly text: string }
  | {
      readonly kind: 'call'
      readonly callId: string
      readonly name: string
      readonly params: string
      readonly response: string
    }
  | { readonly kind: 'result'; readonly callId: string; readonly response: string }

/** As a lane counts: UTF-16 units of text, 1 for a call, 1 for a result. */
export function unitsOf(saying: Saying): number {
  return saying.kind === 'text' ? saying.text.length : 1
}

export function totalUnits(sayings: readonly Saying[]): number {
  return sayings.reduce((sum, saying) => sum + unitsOf(saying), 0)
}

/** Who said it, for which attempt, and the how-manieth of its lane it is: every text and call carries one. */
export interface Tag {
  readonly attempt: number
  readonly speaker: string
  readonly count: number
}

export function tagText({ attempt, speaker, count }: Tag): string {
  return `⟦${attempt}.${speaker}.${count}⟧`
}

const TAG = /⟦(\d+)\.([a-z0-9]+)\.(\d+)⟧/g

export function tagsIn(text: string): Tag[] {
  return [...text.matchAll(TAG)].map(([, attempt, speaker, count]) => ({
    attempt: Number(attempt),
    speaker: speaker ?? '',
    count: Number(count),
  }))
}
