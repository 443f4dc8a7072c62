import type { Model } from 'mongoose'
import { terminalModel } from '../../../models/terminal.ts'
import type { TerminalDocument } from '../../../models/terminal.ts'
import type { EndedTerminal, TerminalStore } from '../../terminals/terminal-store.ts'
import { nameHash } from '../name-hash.ts'
import { wellFormed } from '../well-formed.ts'
import { collectionOf } from './collection-of.ts'
import { isDuplicate } from './mongo-link.ts'
import type { Indexed, MongoLink } from './mongo-link.ts'

/** The most that are read at once: one answer of the server holds them. */
const MOST_READ = 100

/** The collection of the terminals that have ended. */
export class MongoTerminals implements TerminalStore {
  readonly #link: MongoLink
  readonly #terminals: Model<TerminalDocument>

  constructor(link: MongoLink) {
    this.#link = link
    this.#terminals = terminalModel(link.connection)
  }

  get models(): readonly Indexed[] {
    return [this.#terminals]
  }

  async insert(terminal: EndedTerminal): Promise<void> {
    const { registrationId, userId, terminalId } = terminal
    const document = {
      _id: nameHash(registrationId, terminalId),
      nameKey: nameHash(userId, terminalId),
      ...wellFormed(terminal),
    }
    await this.#link.call(async () => {
      try {
        await collectionOf(this.#terminals).insertOne(document)
      } catch (error) {
        if (!isDuplicate(error)) throw error
      }
    })
  }

  named(userId: string, terminalId: string): Promise<EndedTerminal[]> {
    return this.#find({ nameKey: { $eq: nameHash(userId, terminalId) } })
  }

  ofTurn(turnId: string): Promise<EndedTerminal[]> {
    return this.#find({ turnId: { $eq: turnId } })
  }

  #find(filter: { nameKey: { $eq: string } } | { turnId: { $eq: string } }): Promise<EndedTerminal[]> {
    return this.#link.call(async () => {
      const found = await this.#terminals
        .find(filter)
        .sort({ openedAt: 1, _id: 1 })
        .limit(MOST_READ)
        .batchSize(MOST_READ)
        .lean()
      return found.map(({ _id, nameKey: _nameKey, ...terminal }) => terminal)
    })
  }
}
