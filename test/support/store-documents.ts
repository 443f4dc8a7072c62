import type { ChatTurnPartDocument } from '../../models/chat-turn-part.ts'
import type { ChatTurnDocument } from '../../models/chat-turn.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import type { Stamp } from '../../src/store/decide.ts'
import type { HeaderWrite, PartWrite } from '../../src/store/mongo/plan.ts'
import type { PartsWanted } from '../../src/store/mongo/read-parts.ts'
import { headerFrom, turnDocument } from '../../src/store/mongo/turn-document.ts'
import type { TurnHeader } from '../../src/turns/turn-store.ts'

/** What of the scheme is switched off in a control run. */
export type SwitchedOff =
  'part guard' | 'header guard' | 'frozen batches' | 'parts before headers' | 'nothing'

/** The two collections of one turn as a server holds them: every operation here is on one document, and atomic. */
export class StoreDocuments {
  readonly #off: SwitchedOff
  #turn: ChatTurnDocument
  readonly #parts = new Map<string, ChatTurnPartDocument>()

  constructor(header: TurnHeader, off: SwitchedOff) {
    this.#turn = turnDocument(header)
    this.#off = off
  }

  /** False: a duplicate key. */
  writePart({ document }: PartWrite): boolean {
    const found = this.#parts.get(document._id)
    const refused = found && found.generation > document.generation
    if (refused && this.#off !== 'part guard') return false
    this.#parts.set(document._id, document)
    return true
  }

  /** How many matched: 0 or 1. */
  writeHeader({ expect, set, unset }: HeaderWrite): number {
    const { attempt, generation, version, live } = this.#turn
    const matches =
      live && attempt === expect.attempt && generation === expect.generation && version === expect.version
    if (!matches && this.#off !== 'header guard') return 0
    const turn: Record<string, unknown> = { ...this.#turn, lanes: { ...this.#turn.lanes } }
    for (const field of unset) delete turn[field]
    for (const [path, value] of Object.entries(set)) {
      const [field = '', key] = path.split('.')
      if (key === undefined) turn[field] = value
      else (turn[field] as Record<string, unknown>)[key] = value
    }
    this.#turn = turn as unknown as ChatTurnDocument
    return 1
  }

  takeOver(generation: number, node: string): TurnHeader | undefined {
    const { live } = this.#turn
    if (live && this.#turn.generation === generation) {
      this.#turn = { ...this.#turn, generation: generation + 1, node }
      return this.read()
    }
    const mine = live && this.#turn.generation === generation + 1 && this.#turn.node === node
    return mine ? this.read() : undefined
  }

  read(): TurnHeader {
    return structuredClone(headerFrom(this.#turn))
  }

  stamp(): Stamp {
    const { attempt, generation, version, status } = this.#turn
    return { attempt, generation, version, status }
  }

  findParts({ lane, below, after, limit }: PartsWanted): ChatTurnPartDocument[] {
    const wanted = [...this.#parts.values()].filter(
      (part) => part.lane === lane && part.index < below && part.end > after,
    )
    return wanted.toSorted((a, b) => a.index - b.index).slice(0, limit)
  }

  get ended(): boolean {
    return isEnd(this.#turn.status)
  }
}
