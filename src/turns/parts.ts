import type { Placed, TextEntry } from './entry.ts'
import type { Part } from './turn-store.ts'

/** What a record costs besides its strings: keys, numbers, dates. An estimate, to bound documents by. */
export const ENTRY_OVERHEAD_BYTES = 64

function jsonOf(...values: readonly unknown[]): string {
  return values.map((value) => (value === undefined ? '' : JSON.stringify(value))).join('')
}

export function bytesOf(placed: Placed): number {
  const { entry } = placed
  if (entry.kind === 'text') return ENTRY_OVERHEAD_BYTES + Buffer.byteLength(entry.text)
  const strings = entry.kind === 'call' ? entry.name + entry.parameters : jsonOf(entry.subagent, entry.stats)
  const bytes = Buffer.byteLength(entry.callId) + Buffer.byteLength(entry.response)
  return ENTRY_OVERHEAD_BYTES + bytes + Buffer.byteLength(strings) + Buffer.byteLength(jsonOf(entry.detail))
}

/** Joins neighbouring texts of one mode into pieces of at most `maxUnits`: fewer records, fewer events. */
export function joinTexts(entries: readonly Placed[], maxUnits: number): Placed[] {
  const joined: Placed[] = []
  for (const placed of entries) {
    const last = joined.at(-1)
    const { entry } = placed
    if (
      last?.entry.kind === 'text' &&
      entry.kind === 'text' &&
      last.entry.mode === entry.mode &&
      last.offset + last.entry.text.length === placed.offset &&
      last.entry.text.length + entry.text.length <= maxUnits
    ) {
      const text: TextEntry = { ...last.entry, text: last.entry.text + entry.text }
      joined[joined.length - 1] = { offset: last.offset, entry: text }
    } else joined.push(placed)
  }
  return joined
}

export interface Partition {
  readonly closed: Part[]
  readonly open: Placed[]
}

interface PartitionOptions {
  /** The index of the first part that may be closed. */
  readonly firstIndex: number
  /** A part is closed when it has reached this size, even inside its block. */
  readonly partBytes: number
  /** Nothing stays open: the attempt is over. */
  readonly closeAll: boolean
}

/** Divides what follows the last closed part into parts that are complete and the rest (docs/SPEC.md, [ST1]). */
export function partition(entries: readonly Placed[], options: PartitionOptions): Partition {
  const closed: Part[] = []
  let open: Placed[] = []
  let bytes = 0
  let block: string | undefined

  const close = (): void => {
    if (open.length > 0) closed.push({ index: options.firstIndex + closed.length, entries: open })
    open = []
    bytes = 0
    block = undefined
  }

  for (const placed of joinTexts(entries, options.partBytes)) {
    const { entry } = placed
    if (entry.kind === 'call') close()
    if (entry.kind === 'text' && block !== undefined && block !== entry.mode) close()
    if (entry.kind !== 'result') block = entry.kind === 'text' ? entry.mode : 'tool'
    open.push(placed)
    bytes += bytesOf(placed)
    if (bytes >= options.partBytes) close()
  }
  if (options.closeAll) close()
  return { closed, open }
}
