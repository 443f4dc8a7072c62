import type { AttachmentRecord } from '../../turns/turn-store.ts'
import type { Tables } from './tables.ts'

/** Uploaded files, apart from what is said of them. What writes is called within a transaction. */
export class AttachmentTable {
  readonly #file: { readonly tables: Tables }

  constructor(file: { readonly tables: Tables }) {
    this.#file = file
  }

  insert(attachment: AttachmentRecord, bytes: Uint8Array): void {
    const { attachments, attachmentBytes } = this.#file.tables
    const { attachmentId } = attachment
    if (attachments.doesExist(attachmentId)) return
    void attachments.put(attachmentId, attachment)
    void attachmentBytes.put(attachmentId, Buffer.from(bytes))
  }

  find(attachmentId: string): AttachmentRecord | undefined {
    return this.#file.tables.attachments.get(attachmentId)
  }

  read(attachmentId: string): Uint8Array | undefined {
    const bytes = this.#file.tables.attachmentBytes.get(attachmentId)
    // A copy: what the file gives out is its own memory for as long as nothing is written.
    return bytes && Uint8Array.from(bytes)
  }
}
