import { RelayError } from '../../protocol/errors.ts'
import { StoreConfigError } from '../store-config-error.ts'
import { checkDataFile, reasonOf } from './data-folder.ts'
import type { UsedPages } from './disk-room.ts'
import { Journal } from './journal.ts'
import type { JournalBounds } from './journal.ts'
import { READABLE, openTables } from './tables.ts'
import type { Tables } from './tables.ts'

export interface DataFileOptions {
  readonly file: string
  readonly folder: string
  readonly journal?: JournalBounds
}

/**
 * The data file as it is open at present. After a commit that failed, what LMDB holds of it in memory is in doubt: it
 * may refuse even to read. What is on disk is not: so the file is closed and opened anew, and readers wait so long.
 */
export class DataFile {
  readonly #options: DataFileOptions
  /** Undefined while it is not open. Nobody else keeps them: tables of a closed file crash whoever reads them. */
  #opened: { readonly tables: Tables; readonly journal: Journal } | undefined
  #renewing: Promise<void> | undefined
  #closed = false

  private constructor(options: DataFileOptions) {
    this.#options = options
  }

  static async open(options: DataFileOptions): Promise<DataFile> {
    const file = new DataFile(options)
    await file.#openAgain()
    return file
  }

  get tables(): Tables {
    return this.#open.tables
  }

  get journal(): Journal {
    return this.#open.journal
  }

  get #open(): { readonly tables: Tables; readonly journal: Journal } {
    if (this.#opened) return this.#opened
    throw this.#closed ? closedError() : new RelayError('store_unavailable', 'The data file is not open.')
  }

  get used(): UsedPages {
    const { lastPageNumber, pageSize } = this.tables.root.getStats() as Record<string, number>
    if (lastPageNumber === undefined || pageSize === undefined)
      throw new Error('LMDB does not tell its last page')
    return { pages: lastPageNumber + 1, pageBytes: pageSize }
  }

  /** Undefined while the file is open, so that a read may begin at once; else it has to wait. */
  whenOpen(): Promise<void> | undefined {
    if (this.#closed) throw closedError()
    return this.#opened ? undefined : this.renew()
  }

  /** Called between transactions. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#renewing?.catch(() => {})
    await this.#closeTables()
  }

  async #renew(): Promise<void> {
    try {
      await this.#closeTables()
      await this.#openAgain()
    } catch (cause) {
      const message = `The data file cannot be opened again: ${reasonOf(cause)}.`
      throw new RelayError('store_unavailable', message, { cause, level: 'error' })
    }
  }

  async #closeTables(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.tables.root.close()
  }

  async #openAgain(): Promise<void> {
    // LMDB would map whatever has come in its place meanwhile, believe it and crash.
    await checkDataFile(this.#options.file)
    const tables = openTables(this.#options.folder)
    try {
      checkFormat(tables, this.#options.folder)
      this.#opened = { tables, journal: new Journal(tables, this.#options.journal) }
    } catch (error) {
      await tables.root.close()
      throw error
    }
  }
}

/** [ST23] Before there was a format, there was another one. */
function checkFormat({ meta, turns }: Tables, folder: string): void {
  const format = meta.get('format')
  const [any] = turns.getKeys({ limit: 1 })
  if (READABLE.includes(format) || (format === undefined && any === undefined)) return
  throw new StoreConfigError(
    `The data in ${folder} has format ${format ?? 1}, and this version reads ${READABLE.join(' and ')}: use the version ` +
      'that wrote it, or another data folder.',
  )
}

function closedError(): RelayError {
  return new RelayError('store_unavailable', 'The store has been closed.')
}
