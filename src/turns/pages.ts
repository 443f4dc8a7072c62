import type { Page, PageRequest } from './turn-store.ts'

/** Everything of a list that is read page by page, as far as it is asked for. */
export async function* itemsOf<Item>(
  read: (page: PageRequest) => Promise<Page<Item>>,
  limit: number,
): AsyncGenerator<Item, undefined> {
  let after: string | undefined
  do {
    const page = await read({ limit, ...(after === undefined ? {} : { after }) })
    yield* page.items
    after = page.next
  } while (after !== undefined)
  return undefined
}
