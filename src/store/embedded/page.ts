import type { Database, RangeOptions } from 'lmdb'
import type { Page, PageRequest } from '../../turns/turn-store.ts'

/** A page of a table in the order of its keys, or against it. */
export function pageOf<Item>(table: Database<Item, string>, page: PageRequest, reverse = false): Page<Item> {
  const range: RangeOptions = { reverse, limit: page.limit + 1 }
  if (page.after !== undefined) Object.assign(range, { start: page.after, exclusiveStart: true })
  const found = [...table.getRange(range)]
  const items = found.slice(0, page.limit)
  const last = items.at(-1)
  return {
    items: items.map(({ value }) => value),
    ...(last && found.length > items.length ? { next: last.key } : {}),
  }
}
