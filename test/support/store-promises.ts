import type { Placed } from '../../src/turns/entry.ts'
import type { FlushBatch, LaneOwner } from '../../src/turns/turn-store.ts'
import { textOf } from './store-turns.ts'

/** Words that the store has said are durable. */
interface Acknowledged {
  readonly attempt: number
  readonly lane: number
  readonly offset: number
  readonly text: string
}

/** What has been promised in a history, judged by what readers see and by nothing else. */
export class Promises {
  readonly acknowledged: Acknowledged[] = []
  readonly #fenced: string[] = []
  readonly #seen = new Map<string, string>()

  acknowledge(batch: FlushBatch): void {
    this.acknowledged.push(...wordsOf(batch))
  }

  fence(batch: FlushBatch): void {
    this.#fenced.push(...wordsOf(batch).map(({ text }) => text))
  }

  /** A read is whole, and of two reads of a lane one begins with the other: words are added and never changed. */
  checkRead(owner: LaneOwner, number: number, words: readonly Placed[]): void {
    const text = textOf(words)
    const where = `lane ${number} of attempt ${owner.attempt}`
    const length = owner.lanes[number]?.length ?? 0
    if (text.length !== length) throw new Error(`${where} has a hole: read ${text.length} of ${length}`)
    const key = `${owner.attempt}:${number}`
    const before = this.#seen.get(key) ?? ''
    if (!text.startsWith(before) && !before.startsWith(text))
      throw new Error(`${where} was changed from ${before} to ${text}`)
    if (text.length > before.length) this.#seen.set(key, text)
    // Each word names the generation that said it: from one owner to the next they only go up.
    const generations = [...text.matchAll(/<(\d+)\./g)].map(([, generation]) => Number(generation))
    if (generations.some((generation, index) => generation < (generations[index - 1] ?? 0)))
      throw new Error(`${where} has words of an owner that had been replaced: ${text}`)
  }

  /** `acknowledged` are those from before the read began. */
  checkAcknowledged(owner: LaneOwner, acknowledged: readonly Acknowledged[]): void {
    for (const { attempt, lane, offset, text } of acknowledged) {
      if (attempt !== owner.attempt) continue
      const seen = this.#seen.get(`${attempt}:${lane}`) ?? ''
      const length = owner.lanes[lane]?.length ?? 0
      if (length < offset + text.length || seen.slice(offset, offset + text.length) !== text)
        throw new Error(`acknowledged words ${text} at ${offset} of attempt ${attempt} are lost: ${seen}`)
    }
  }

  /** At the end: what was refused is nowhere. */
  checkFenced(): void {
    for (const text of this.#fenced) {
      for (const seen of this.#seen.values())
        if (text !== '' && seen.includes(text)) throw new Error(`fenced words ${text} are there: ${seen}`)
    }
  }
}

function wordsOf(batch: FlushBatch): Acknowledged[] {
  return batch.lanes.flatMap(({ number, fresh }) =>
    fresh.map(({ offset, entry }) => {
      const text = entry.kind === 'text' ? entry.text : ''
      return { attempt: batch.attempt, lane: number, offset, text }
    }),
  )
}
