import type { EndedTerminal, TerminalStore } from '../../terminals/terminal-store.ts'
import { wellFormed } from '../well-formed.ts'
import { nameHash } from '../name-hash.ts'
import type { Tables } from './tables.ts'
import type { WriteGate } from './write-gate.ts'
import { sizeOf } from './write-size.ts'

interface EmbeddedTerminalsParts {
  readonly file: { readonly tables: Tables }
  readonly gate: Pick<WriteGate, 'write'>
  /** As soon as the file is open. */
  readonly read: <T>(action: () => T) => Promise<T>
}

/** The terminals that have ended, in the data file. */
export class EmbeddedTerminals implements TerminalStore {
  readonly #parts: EmbeddedTerminalsParts

  constructor(parts: EmbeddedTerminalsParts) {
    this.#parts = parts
  }

  insert(terminal: EndedTerminal): Promise<void> {
    const { file, gate } = this.#parts
    const safe = wellFormed(terminal)
    return gate.write(
      () => {
        const { terminals, terminalsByName, terminalsByTurn } = file.tables
        const { registrationId, userId, terminalId, turnId, openedAt } = safe
        const key = nameHash(registrationId, terminalId)
        if (terminals.doesExist(key)) return
        void terminals.put(key, safe)
        void terminalsByName.put([nameHash(userId, terminalId), key], true)
        if (turnId !== undefined) void terminalsByTurn.put([turnId, openedAt, key], true)
      },
      () => sizeOf(safe),
    )
  }

  named(userId: string, terminalId: string): Promise<EndedTerminal[]> {
    const name = nameHash(userId, terminalId)
    return this.#parts.read(() => {
      const { terminalsByName } = this.#parts.file.tables
      return this.#all(
        [...terminalsByName.getKeys({ start: [name], end: [name, AFTER] })].map(([, key]) => key),
      )
    })
  }

  ofTurn(turnId: string): Promise<EndedTerminal[]> {
    return this.#parts.read(() => {
      const { terminalsByTurn } = this.#parts.file.tables
      const keys = [...terminalsByTurn.getKeys({ start: [turnId], end: [turnId, Number.POSITIVE_INFINITY] })]
      return this.#all(keys.map(([, , key]) => key))
    })
  }

  #all(keys: readonly string[]): EndedTerminal[] {
    return keys.flatMap((key) => this.#parts.file.tables.terminals.get(key) ?? [])
  }
}

/** Comes after every hash. */
const AFTER = '\uffff'
