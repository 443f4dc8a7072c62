import { setTimeout as sleep } from 'node:timers/promises'
import type { BlockView, TurnSummary, TurnView } from '../../src/protocol/turn-view.ts'
import type { StoredTurn, ToldAttempt } from './checker.ts'
import type { FoldedBlock } from './fold.ts'
import { MAIN } from './words.ts'

const PAGE = 200
/** An answer that does not come, from a relay that has just begun or whose store is slow, is asked for again. */
const ANSWER_MS = 10_000
const TRIES = 10
const AGAIN_MS = 500

/** What the relay answers over HTTP. */
export class Reader {
  readonly #url: string
  readonly #key: string

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
  }

  /** Every turn of a session, newest first. */
  async turnsOf(chatSessionId: string): Promise<TurnSummary[]> {
    type Page = { turns: TurnSummary[]; next?: string }
    const turns: TurnSummary[] = []
    let after = ''
    do {
      const query = `limit=${PAGE}${after === '' ? '' : `&after=${after}`}`
      const page = await this.#get<Page>(`chat-sessions/${chatSessionId}/turns?${query}`)
      turns.push(...(page?.turns ?? []))
      after = page?.next ?? ''
    } while (after !== '')
    return turns
  }

  /** A turn with all of its attempts. */
  async turn(turnId: string): Promise<StoredTurn | undefined> {
    const view = await this.#get<TurnView>(`turns/${turnId}`)
    if (!view) return undefined
    const attempts: ToldAttempt[] = []
    for (let attempt = 1; attempt < view.attempt; attempt++) {
      const earlier = await this.#get<TurnView>(`turns/${turnId}?attempt=${attempt}`)
      if (earlier) attempts.push(attemptOf(earlier))
    }
    const { chatSessionId, prompt } = view
    const steers = (view.steers ?? []).map(({ messageId }) => messageId)
    return { turnId, chatSessionId, prompt, steers, attempts: [...attempts, attemptOf(view)] }
  }

  /** Undefined where there is no such thing. */
  async #get<Body>(path: string): Promise<Body | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        const response = await fetch(`${this.#url}/api/v1/${path}`, {
          headers: { authorization: `Bearer ${this.#key}` },
          signal: AbortSignal.timeout(ANSWER_MS),
        })
        if (response.status === 404) return undefined
        if (response.ok) return (await response.json()) as Body
        throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`)
      } catch (error) {
        if (tries >= TRIES) throw error
        await sleep(AGAIN_MS)
      }
    }
  }
}

function attemptOf(view: TurnView): ToldAttempt {
  const lanes = view.heads.map(({ lane, offset }) => {
    const blocks = lane === MAIN ? view.blocks : (view.lanes?.[lane]?.blocks ?? [])
    return { lane, units: offset, blocks: blocks.map(blockOf) }
  })
  const { id: turnId, attempt, status, errorMessage: reason } = view
  return { turnId, attempt, status, reason, lanes }
}

export function blockOf(block: BlockView): FoldedBlock {
  if (block.mode !== 'tool') return { mode: block.mode, text: block.content }
  const { callId, name, parameters, response } = block.content
  return { mode: 'tool', callId, name, params: parameters, response }
}
