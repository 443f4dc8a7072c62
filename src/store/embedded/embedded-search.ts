import type { SearchStore, TermNumbers } from '../../search/search-store.ts'
import { itemsOf } from '../../turns/pages.ts'
import type { SearchTable } from './search-table.ts'
import type { WriteGate } from './write-gate.ts'

/** Turn ids read at a time: between two such pages no snapshot of the file is held. */
const TURN_IDS_PAGE = 1000

interface EmbeddedSearchParts {
  readonly table: SearchTable
  readonly gate: Pick<WriteGate, 'write'>
  /** As soon as the file is open. */
  readonly read: <T>(action: () => T) => Promise<T>
}

/** The search index in the data file. */
export class EmbeddedSearch implements SearchStore {
  readonly #parts: EmbeddedSearchParts

  constructor(parts: EmbeddedSearchParts) {
    this.#parts = parts
  }

  addTurn(userId: string, turnId: string): Promise<number> {
    const { gate, table } = this.#parts
    return gate.write(() => table.addTurn(userId, turnId))
  }

  addTerms(userId: string, added: readonly TermNumbers[]): Promise<void> {
    const { gate, table } = this.#parts
    return gate.write(
      () => table.addTerms(userId, added),
      () => table.sizeOf(added),
    )
  }

  numbersWith(userId: string, terms: readonly string[]): Promise<number[]> {
    return this.#parts.read(() => this.#parts.table.numbersWith(userId, terms))
  }

  termsWith(userId: string, prefix: string, limit: number): Promise<string[]> {
    return this.#parts.read(() => this.#parts.table.termsWith(userId, prefix, limit))
  }

  turnIds(userId: string, numbers: readonly number[]): Promise<(string | undefined)[]> {
    return this.#parts.read(() => this.#parts.table.turnIds(userId, numbers))
  }

  unindexed(): AsyncIterable<string> {
    return itemsOf((page) => this.#parts.read(() => this.#parts.table.unindexed(page)), TURN_IDS_PAGE)
  }

  indexed(turnId: string, version: number): Promise<void> {
    const { gate, table } = this.#parts
    return gate.write(() => table.indexed(turnId, version))
  }
}
