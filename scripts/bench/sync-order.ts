/** A call that LMDB makes of its data file, or the line that says "acknowledged". */
type Call = 'page' | 'sync' | 'head' | 'acknowledged'

/**
 * Reads strace's lines and checks, for each acknowledgement, what came since the one before: pages were written, then a
 * sync of the same file began after the last of them and succeeded, then the head that makes them count was written
 * through a descriptor that syncs each write (O_DSYNC), and only then the acknowledgement.
 */
export class SyncOrder {
  acknowledged = 0
  syncs = 0
  readonly wrong: string[] = []
  /** Descriptors of the data file; true for those that sync each write. */
  readonly #files = new Map<string, boolean>()
  /** Calls that others have interrupted in the log, by thread. */
  readonly #begun = new Map<string, string>()
  /** Pages that no sync has covered. */
  #pagesOpen = false
  /** The sync under way covers pages. */
  #covers = false
  #synced = false
  #headed = false

  read(line: string): void {
    const match = /^(\d+)\s+(.*)$/.exec(line)
    if (!match?.[1] || match[2] === undefined) return
    const [, thread, said] = match
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(said)
    if (begun?.[1] !== undefined) {
      this.#begun.set(thread, begun[1])
      this.#begins(begun[1])
      return
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said)
    if (!resumed) this.#begins(said)
    this.#done(resumed ? `${this.#begun.get(thread) ?? ''}${resumed[1]}` : said)
  }

  /** A sync covers what was written before it began, and a page counts as written from then on. */
  #begins(call: string): void {
    const kind = this.#callOf(call)
    if (kind === 'page') this.#pagesOpen = true
    if (kind !== 'sync') return
    this.#covers = this.#pagesOpen
    this.#pagesOpen = false
  }

  #done(call: string): void {
    this.#opened(call)
    const kind = this.#callOf(call)
    const failed = / = -1 /.test(call)
    if (kind === undefined) return
    if (failed && kind !== 'acknowledged') {
      this.#synced = this.#headed = false
      return
    }
    if (kind === 'page') this.#synced = this.#headed = false
    else if (kind === 'sync') {
      this.syncs++
      this.#synced = this.#covers && !this.#pagesOpen
    } else if (kind === 'head') this.#headed = this.#synced
    else this.#check(call)
  }

  #check(call: string): void {
    this.acknowledged++
    if (!this.#headed || this.#pagesOpen) this.wrong.push(call)
    this.#synced = this.#headed = false
  }

  #opened(call: string): void {
    const open = /^openat\(.*data\.mdb", ([A-Z_|]+).* = (\d+)$/.exec(call)
    if (open?.[1] !== undefined && open[2] !== undefined)
      this.#files.set(open[2], open[1].includes('O_DSYNC'))
  }

  #callOf(call: string): Call | undefined {
    if (call.startsWith('write(1, "acknowledged')) return 'acknowledged'
    const match = /^(pwrite64|writev|fdatasync|fsync)\((\d+)/.exec(call)
    const syncing = this.#files.get(match?.[2] ?? '')
    if (!match || syncing === undefined) return undefined
    if (match[1] === 'fdatasync' || match[1] === 'fsync') return 'sync'
    return syncing ? 'head' : 'page'
  }
}
