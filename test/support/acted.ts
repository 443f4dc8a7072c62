import type { DataFile } from '../../src/store/embedded/data-file.ts'

/** What the write gate does of a write, with nothing in its way. */
export async function acted<T>(file: DataFile, action: () => T): Promise<T> {
  const done = await file.tables.root.transaction(() => {
    file.journal.begin()
    const value = action()
    file.journal.keep()
    return { value }
  })
  file.journal.publish()
  return done.value
}
