import { Random } from './random.ts'
import { MAIN, tagText } from './words.ts'
import type { Saying } from './words.ts'

export interface Pace {
  /** How long a turn is spoken, ms. */
  readonly shortestMs: number
  readonly longestMs: number
  /** The mean pause between two things said, ms. */
  readonly pauseMs: number
}

/** One step of a scripted agent. */
export type Step =
  | { readonly do: 'say'; readonly lane: string; readonly saying: Saying }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'end'; readonly success: boolean }

const SYLLABLES = [
  'lo',
  'rem ',
  'ip',
  'sum ',
  'dolor ',
  'sit, ',
  'é',
  '\n',
  '— ',
  '🛰️ ',
  '漢字 ',
  '"q" ',
  '\\ ',
]
/** Text pieces of this many units are rare: they have to be cut into several entries. */
const HUGE_UNITS = 40_000

/** What an agent says in one attempt: text in both modes, tool calls, now and then a subagent, and an end. */
export class Script {
  readonly #random: Random
  readonly #attempt: number
  readonly #speaker: string
  readonly #pace: Pace
  readonly #counts = new Map<string, number>()
  readonly #open: { lane: string; callId: string }[] = []
  #subagents = 0
  #agent: string | undefined
  #mode: 'thinking' | 'responding' = 'thinking'

  constructor(options: { seed: string; attempt: number; speaker: string; pace: Pace }) {
    this.#random = new Random(options.seed)
    this.#attempt = options.attempt
    this.#speaker = options.speaker
    this.#pace = options.pace
  }

  *steps(): Generator<Step> {
    const { shortestMs, longestMs, pauseMs } = this.#pace
    let leftMs = this.#random.between(shortestMs, longestMs)
    while (leftMs > 0) {
      // Sometimes a burst: all that is said between two pauses leaves as one.
      const pieces = this.#random.chance(0.015) ? this.#random.whole(10, 60) : 1
      for (let piece = 0; piece < pieces; piece++) yield* this.#something()
      const ms = this.#random.around(pauseMs)
      leftMs -= ms
      yield { do: 'pause', ms }
    }
    while (this.#open.length > 0) yield this.#answer(0)
    if (this.#agent !== undefined) yield this.#endSubagent(this.#agent)
    yield this.#text(MAIN, 'responding')
    yield { do: 'end', success: !this.#random.chance(0.02) }
  }

  *#something(): Generator<Step> {
    const kind = this.#random.next()
    const lane = this.#agent !== undefined && this.#random.chance(0.5) ? this.#agent : MAIN
    if (kind < 0.08) yield this.#call(lane)
    else if (kind < 0.16 && this.#open.length > 0) {
      yield this.#answer(this.#random.whole(0, this.#open.length - 1))
    } else if (kind < 0.18) yield* this.#changeSubagent()
    else {
      if (this.#random.chance(0.1)) this.#mode = this.#mode === 'thinking' ? 'responding' : 'thinking'
      yield this.#text(lane, this.#mode)
    }
  }

  #text(lane: string, mode: 'thinking' | 'responding'): Step {
    const units = this.#random.chance(0.002) ? HUGE_UNITS : this.#random.whole(1, 60)
    let text = this.#tag(lane)
    while (text.length < units) text += this.#random.of(SYLLABLES)
    return { do: 'say', lane, saying: { kind: 'text', mode, text } }
  }

  #call(lane: string): Step {
    const tag = this.#tag(lane)
    const callId = `call-${lane}-${tag}`
    const isAnswered = this.#random.chance(0.2)
    if (!isAnswered) this.#open.push({ lane, callId })
    const response = isAnswered ? `at once ${tag}` : ''
    const params = JSON.stringify({ command: `echo ${tag}`, long: 'x'.repeat(this.#random.whole(0, 300)) })
    return { do: 'say', lane, saying: { kind: 'call', callId, name: 'shell', params, response } }
  }

  /** Half of the time it is answered again later: the last answer counts. */
  #answer(index: number): Step {
    const { lane, callId } = this.#open[index] as { lane: string; callId: string }
    if (this.#random.chance(0.7)) this.#open.splice(index, 1)
    const response = `${callId} answered ${this.#random.whole(0, 1e9)}`
    return { do: 'say', lane, saying: { kind: 'result', callId, response } }
  }

  *#changeSubagent(): Generator<Step> {
    if (this.#agent !== undefined) {
      yield this.#endSubagent(this.#agent)
      return
    }
    this.#subagents += 1
    const tag = this.#tag(MAIN)
    const callId = `agent-${this.#subagents}-${tag}`
    this.#agent = callId
    const params = JSON.stringify({ task: this.#subagents, tag })
    yield { do: 'say', lane: MAIN, saying: { kind: 'call', callId, name: 'task', params, response: '' } }
  }

  #endSubagent(callId: string): Step {
    this.#agent = undefined
    return { do: 'say', lane: MAIN, saying: { kind: 'result', callId, response: `done ${callId}` } }
  }

  #tag(lane: string): string {
    const count = this.#counts.get(lane) ?? 0
    this.#counts.set(lane, count + 1)
    return tagText({ attempt: this.#attempt, speaker: this.#speaker, count })
  }
}
