import { unitsOf } from './words.ts'
import type { Saying } from './words.ts'

/** What a reader sees of a lane: a run of text in one mode, or a call with its last result. */
export type FoldedBlock =
  | { readonly mode: 'thinking' | 'responding'; text: string }
  | {
      readonly mode: 'tool'
      readonly callId: string
      readonly name: string
      readonly params: string
      response: string
    }

export interface FoldedLane {
  readonly units: number
  readonly blocks: readonly FoldedBlock[]
}

/**
 * The first `most` units of what was said, as a reader should see them. Written anew on purpose: what the product folds
 * by must not be what it is checked by.
 */
export function foldLane(sayings: readonly Saying[], most = Number.POSITIVE_INFINITY): FoldedLane {
  const blocks: FoldedBlock[] = []
  const calls = new Map<string, FoldedBlock & { mode: 'tool' }>()
  let units = 0
  for (const saying of sayings) {
    if (units >= most) break
    if (saying.kind === 'text') {
      const text = saying.text.slice(0, most - units)
      const last = blocks.at(-1)
      if (last && last.mode === saying.mode) last.text += text
      else blocks.push({ mode: saying.mode, text })
      units += text.length
      continue
    }
    if (saying.kind === 'call') {
      const { callId, name, params, response } = saying
      const call = { mode: 'tool' as const, callId, name, params, response }
      calls.set(callId, call)
      blocks.push(call)
    } else {
      const call = calls.get(saying.callId)
      if (call) call.response = saying.response
    }
    units += unitsOf(saying)
  }
  return { units, blocks }
}

export function sameBlocks(some: readonly FoldedBlock[], others: readonly FoldedBlock[]): boolean {
  return some.length === others.length && some.every((block, index) => isSame(block, others[index]))
}

function isSame(one: FoldedBlock, other: FoldedBlock | undefined): boolean {
  if (one.mode === 'tool') {
    return (
      other?.mode === 'tool' &&
      one.callId === other.callId &&
      one.name === other.name &&
      one.params === other.params &&
      one.response === other.response
    )
  }
  return other?.mode === one.mode && one.text === other.text
}
