import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

export function acceptAttachments(under: StoreUnderTest): void {
  describe('attachments', () => {
    it('[AT1] are read byte for byte, also after the store was closed; the first under an id stays', async () => {
      const attachmentId = randomUUID()
      const bytes = randomBytes(300_000)
      const about = {
        userId: 'ann',
        name: 'a 😀 / b.png',
        mediaType: 'image/png',
        size: 300_000,
        createdAt: 5,
      }
      await under.store.insertAttachment({ attachmentId, ...about }, bytes)
      await under.store.insertAttachment({ attachmentId, ...about, userId: 'bob' }, randomBytes(3))
      await under.reopen()
      expect(await under.store.findAttachment(attachmentId)).to.deep.equal({ attachmentId, ...about })
      const read = await under.store.readAttachment(attachmentId)
      expect(Buffer.compare(Buffer.from(read ?? []), bytes)).to.equal(0)
    })

    it('[AT1] may be empty, and what is not there is nothing', async () => {
      const attachmentId = randomUUID()
      const about = { userId: 'ann', name: 'empty', mediaType: 'text/plain', size: 0, createdAt: 5 }
      await under.store.insertAttachment({ attachmentId, ...about }, new Uint8Array())
      expect(await under.store.readAttachment(attachmentId)).to.have.length(0)
      expect(await under.store.findAttachment('nowhere')).to.equal(undefined)
      expect(await under.store.readAttachment('nowhere')).to.equal(undefined)
    })
  })
}
