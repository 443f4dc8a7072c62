import { createHash } from 'node:crypto'
import { RelayError } from '../protocol/errors.ts'
import type { AttachmentView } from '../protocol/turn-view.ts'
import type { Clock } from './clock.ts'
import type { TurnStore } from './turn-store.ts'

interface Keeping {
  readonly store: Pick<TurnStore, 'insertAttachment' | 'findAttachment'>
  readonly clock: Clock
  /** Of all files of a message, and so of each. */
  readonly attachmentsBytes: number
}

/** [AT1] Keeps a file for messages to come. The same file of the same user is kept once, and has one id. */
export async function keepAttachment(
  { store, clock, attachmentsBytes }: Keeping,
  userId: string,
  { name, mediaType }: { readonly name: string; readonly mediaType: string },
  bytes: Uint8Array,
): Promise<AttachmentView> {
  if (bytes.length > attachmentsBytes) throw tooLarge(attachmentsBytes)
  const attachmentId = createHash('sha256')
    .update(JSON.stringify([userId, name, mediaType]))
    .update(bytes)
    .digest('base64url')
  const attachment = { attachmentId, name, mediaType, size: bytes.length }
  await store.insertAttachment({ ...attachment, userId, createdAt: clock.now() }, bytes)
  return attachment
}

/** [AT2] What is known of the files of a message: all of them are there and this user's, and fit into an order. */
export async function attachmentsOf(
  { store, attachmentsBytes }: Omit<Keeping, 'clock'>,
  userId: string,
  ids: readonly string[],
): Promise<AttachmentView[]> {
  const attachments: AttachmentView[] = []
  for (const id of new Set(ids)) {
    const found = await store.findAttachment(id)
    if (found?.userId !== userId)
      throw new RelayError('not_found', `There is no attachment ${id}: upload it first.`)
    const { attachmentId, name, mediaType, size } = found
    attachments.push({ attachmentId, name, mediaType, size })
  }
  const bytes = attachments.reduce((sum, { size }) => sum + size, 0)
  if (bytes > attachmentsBytes) throw tooLarge(attachmentsBytes)
  return attachments
}

function tooLarge(most: number): RelayError {
  return new RelayError('payload_too_large', `The files of a message may have ${most} bytes together.`)
}
