import type { DataFile } from '../../src/store/embedded/data-file.ts'

/** What the write gate does of writes that share a transaction, with nothing in their way; answers what the first did. */
export async function acted<T>(
  file: DataFile,
  ...actions: readonly [() => T, ...(() => unknown)[]]
): Promise<T> {
  const done = await file.tables.root.transaction(() =>
    actions.map((action) => {
      file.journal.begin()
      const value = action()
      file.journal.keep()
      return value
    }),
  )
  file.journal.publish()
  return done[0] as T
}
