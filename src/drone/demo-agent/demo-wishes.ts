import type { ContentBlock } from '@agentclientprotocol/sdk'

/** What the words of a prompt ask of the demo agent. */
export interface DemoWishes {
  /** "slow": a tenth of the rate. */
  readonly slow: boolean
  /** "long N": an answer of N kilobytes. */
  readonly longKb: number
  /** "fail": the turn ends with an error. */
  readonly fail: boolean
  /** "crash": the process ends in the middle of the answer; "crash once": not when the turn is tried again. */
  readonly crash: boolean
  /** "ask": permission is asked before reading, too. */
  readonly ask: boolean
  /** "stubborn": session/cancel is not heard. */
  readonly stubborn: boolean
  /** What to search the files for: the other words. */
  readonly words: readonly string[]
}

/** Kilobytes of the longest answer. */
const LONG_KB = 10_000
/** Words searched for: each is looked for in every file. */
const SEARCHED_WORDS = 5
/** Shorter words are in every file. */
const WORD_CHARS = 4

/** Words that people put into any question. */
const COMMON = new Set(
  'what where which when does have this that these those there with from into about please show tell find look could would'.split(
    ' ',
  ),
)
const STEERING = new Set(['slow', 'long', 'fail', 'crash', 'ask', 'stubborn', 'once'])

/** Blocks that the drone puts before a prompt: their words are no wishes. */
const CONTEXT = /^<(conversation_so_far|earlier_attempts)>/

export function demoPrompt(blocks: readonly ContentBlock[]): { text: string; wishes: DemoWishes } {
  const texts = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : []))
  const text = texts.filter((words) => !CONTEXT.test(words)).join('\n')
  const wishes = demoWishes(text)
  const again = texts.some((words) => words.startsWith('<earlier_attempts>'))
  return { text, wishes: { ...wishes, crash: wishes.crash && !(again && /\bonce\b/i.test(text)) } }
}

function demoWishes(prompt: string): DemoWishes {
  const all = prompt.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? []
  const said = new Set(all)
  const long = /\blong\s+(\d{1,6})\b/i.exec(prompt)
  const words = [...said].filter(
    (word) => word.length >= WORD_CHARS && !STEERING.has(word) && !COMMON.has(word),
  )
  return {
    slow: said.has('slow'),
    longKb: Math.min(Number(long?.[1] ?? 0), LONG_KB),
    fail: said.has('fail'),
    crash: said.has('crash'),
    ask: said.has('ask'),
    stubborn: said.has('stubborn'),
    words: words.slice(0, SEARCHED_WORDS),
  }
}
